"""What every answer tells the browser about its own safety. nginx says the same (``nginx/headers.conf``)."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Only for installations that permanently use https: browsers refuse plain http for a year.
STRICT_TRANSPORT = "max-age=31536000"
# Default for responses that aren't pages: nothing runs when one is opened directly. Pages set their own policy.
_NO_PAGE = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class SecurityHeaders:
    """Adds what an answer doesn't say itself. Without a word of its own nothing is kept by caches."""

    def __init__(self, app: ASGIApp, *, strict_transport: bool) -> None:
        self.app = app
        self._defaults = SECURITY | {"Content-Security-Policy": _NO_PAGE, "Cache-Control": "no-store"}
        if strict_transport:
            self._defaults["Strict-Transport-Security"] = STRICT_TRANSPORT

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._defaults.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, sending)
