"""A simulator of the service account's template messages."""

from backend.sandbox.wechat_mp.simulator import MpMessage, WeChatMpSandbox

__all__ = ["MpMessage", "WeChatMpSandbox"]
