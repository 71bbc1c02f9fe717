"""Extract the access token from pasted text."""

import re

_COOKIE_NAME = "zsxq_access_token"
# Seen: <UUID>_<16 hex>, 53 characters. Refuse only what could break a header, so that a new format still works.
_TOKEN = re.compile(r"[A-Za-z0-9_.~-]{8,256}")


def token_from_cookie(text: str) -> str:
    """The token in ``text``, which is the bare token or a whole cookie header.

    Raises ValueError with a Chinese message to show beside the field. The message never contains ``text``.
    """
    value = text.strip()
    if value.lower().startswith("cookie:"):
        value = value[len("cookie:") :].strip()
    if "=" in value or ";" in value:
        value = _cookie_value(value)
    value = value.strip().strip('"')
    if not value:
        raise ValueError("凭证为空")
    if not _TOKEN.fullmatch(value):
        raise ValueError(f"凭证格式不正确：请粘贴 {_COOKIE_NAME} 的值，或整段 Cookie")
    return value


def _cookie_value(header: str) -> str:
    for part in header.split(";"):
        name, _, value = part.partition("=")
        if name.strip().lower() == _COOKIE_NAME:
            return value
    raise ValueError(f"Cookie 中没有 {_COOKIE_NAME}")
