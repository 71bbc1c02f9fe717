"""A simulator of WeCom's application messages and group robots."""

from backend.sandbox.wecom.simulator import Message, WeComSandbox

__all__ = ["Message", "WeComSandbox"]
