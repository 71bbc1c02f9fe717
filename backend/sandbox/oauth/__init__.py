"""A simulator of the service account's web authorisation."""

from backend.sandbox.oauth.simulator import OAuthSandbox, WeChatUser

__all__ = ["OAuthSandbox", "WeChatUser"]
