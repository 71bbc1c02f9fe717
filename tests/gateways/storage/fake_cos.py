"""A small COS on a loopback port that checks every signature, since the official SDK brings its own client."""

import asyncio
import hashlib
import hmac
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, quote

import uvicorn
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from backend.core.config import StorageSettings

SECRET_ID = "AKIDtest0001"
SECRET_KEY = "cos-secret-key-for-tests"


class FakeCos:
    """Objects in memory. Signature rule: Tencent Cloud COS, "请求签名" (q-sign-algorithm=sha1)."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str | None]] = {}
        self.fail_with: tuple[int, str] | None = None
        self.cut_short = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self.answer(Request(scope, receive)))(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        if not signature_fits(request):
            return error(403, "SignatureDoesNotMatch")
        if self.fail_with:
            return error(*self.fail_with)
        path = request.url.path
        if request.method == "PUT":
            self.objects[path] = (body, request.headers.get("content-type"))
            return Response()
        if request.method == "DELETE":
            self.objects.pop(path, None)
            return Response(status_code=204)
        if path not in self.objects:
            return error(404, "NoSuchKey")
        data, content_type = self.objects[path]
        if self.cut_short:
            return Response(data[: len(data) // 2], headers={"content-length": str(len(data))})
        return Response(data, media_type=content_type)


def error(status: int, code: str) -> Response:
    text = f"<Error><Code>{code}</Code><Message>m</Message><Resource>r</Resource><RequestId>1</RequestId></Error>"
    return Response(text if code else "", status_code=status, media_type="application/xml")


def signature_fits(request: Request) -> bool:
    raw = request.headers.get("authorization") or request.url.query
    sign = dict(parse_qsl(raw, keep_blank_values=True)) if "authorization" not in request.headers else fields(raw)
    known: Mapping[str, str] = {**request.headers, "host": request.headers["host"].partition(":")[0]}
    listed = [name for name in sign["q-header-list"].split(";") if name]
    headers = "&".join(f"{name}={quote(known[name], safe='-_.~')}" for name in listed)
    text = f"{request.method.lower()}\n{request.url.path}\n\n{headers}\n"
    key = hmac.new(SECRET_KEY.encode(), sign["q-key-time"].encode(), hashlib.sha1).hexdigest()
    digest = hashlib.sha1(text.encode()).hexdigest()
    wanted = hmac.new(key.encode(), f"sha1\n{sign['q-sign-time']}\n{digest}\n".encode(), hashlib.sha1).hexdigest()
    return sign["q-ak"] == SECRET_ID and sign["q-signature"] == wanted


def fields(authorization: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in authorization.split("&"))


@asynccontextmanager
async def served(cos: FakeCos) -> AsyncIterator[str]:
    """Its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(cos, log_level="critical", ws="none", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await task
    listener.close()


def settings_for(base_url: str, **changes: object) -> StorageSettings:
    values: dict[str, object] = {
        "kind": "cos",
        "cos_region": "ap-guangzhou",
        "cos_bucket": "camp-1250000000",
        "cos_secret_id": SECRET_ID,
        "cos_secret_key": SecretStr(SECRET_KEY),
        "cos_base_url": base_url,
    }
    return StorageSettings.model_validate(values | changes)
