"""Refusals that a person would read as they are: a browser went to an address of the API, such as the log-in at WeChat.

Programs get JSON; the same words make a page for whoever asked for one.
"""

import json
from html import escape

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# Headers copied to the page. All others describe the JSON body.
_KEPT = ("x-request-id", "retry-after")
_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{message}</title>
<style>
body {{ margin: 0; background: #f5f6f8; color: #1f2329; font: 16px/1.6 sans-serif; text-align: center; }}
main {{ max-width: 480px; margin: 0 auto; padding: 96px 24px; }}
h1 {{ font-size: 18px; }}
p {{ color: #5f6672; font-size: 12px; word-break: break-all; }}
a {{ display: block; width: 160px; margin: 16px auto; padding: 8px 0; border: 1px solid #c9cdd4; border-radius: 8px;
  color: inherit; text-decoration: none; }}
</style>
</head>
<body>
<main>
<h1 role="alert">{message}</h1>
<a href="">重试</a>
<a href="/">返回首页</a>
<p>如多次重试仍不行，请把编号告诉工作人员<br>{request_id}</p>
</main>
</body>
</html>
"""


class HtmlErrors:
    """Turns JSON that says no into a page, for GET requests that accept one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _by_a_person(scope):
            await self.app(scope, receive, send)
            return
        refusal: Message | None = None
        body = b""

        async def sending(message: Message) -> None:
            nonlocal refusal, body
            if message["type"] == "http.response.start" and _is_refusal(message):
                refusal = message
            elif refusal is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    await _page(refusal, body)(scope, receive, send)

        await self.app(scope, receive, sending)


def _by_a_person(scope: Scope) -> bool:
    is_ours = scope["method"] == "GET" and scope["path"].startswith("/api/")
    return is_ours and "text/html" in Headers(scope=scope).get("accept", "")


def _is_refusal(start: Message) -> bool:
    return start["status"] >= 400 and Headers(raw=start["headers"]).get("content-type", "") == "application/json"


def _page(start: Message, body: bytes) -> HTMLResponse:
    said = json.loads(body)
    page = _PAGE.format(message=escape(said["message"]), request_id=escape(said["request_id"]))
    headers = Headers(raw=start["headers"])
    kept = {name: headers[name] for name in _KEPT if name in headers}
    return HTMLResponse(page, start["status"], kept | {"Content-Security-Policy": _POLICY})
