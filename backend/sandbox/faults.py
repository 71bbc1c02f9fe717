"""Faults that a person or a test injects into a simulator: a name, how often it acts, and an optional value."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

# Faults of any HTTP service. The first three act after the request was executed.
TRANSPORT_FAULTS = {
    "broken_off": "执行后断开连接",
    "http_500": "执行后返回 500",
    "html": "执行后返回网页",
    "slow": "延迟应答（秒）",
}
_DEFAULT_SLOW_SECONDS = 10.0


@dataclass(slots=True)
class Fault:
    """``remaining`` is None until cleared. ``value`` is seconds or a count, depending on the fault."""

    remaining: int | None
    value: float | None


class Faults:
    """The faults of one simulator. ``catalogue`` maps a name to its Chinese label."""

    def __init__(self, catalogue: Mapping[str, str]) -> None:
        self.catalogue = dict(catalogue)
        self._active: dict[str, Fault] = {}

    def set(self, name: str, *, times: int | None = 1, value: float | None = None) -> None:
        """Activate ``name`` for ``times`` uses (None: until cleared).

        Raises KeyError for an unknown name, ValueError for times < 1.
        """
        if name not in self.catalogue:
            raise KeyError(name)
        if times is not None and times < 1:
            raise ValueError("times must be at least 1")
        self._active[name] = Fault(times, value)

    def take(self, name: str) -> Fault | None:
        """Return the fault if it is active, and count it down; else None."""
        fault = self._active.get(name)
        if fault is None or fault.remaining is None:
            return fault
        fault.remaining -= 1
        if fault.remaining == 0:
            del self._active[name]
        return fault

    def clear(self, name: str | None = None) -> None:
        """Clear one fault, or all for None."""
        if name is None:
            self._active.clear()
        else:
            self._active.pop(name, None)

    def summary(self) -> list[dict[str, Any]]:
        """One row per fault: ``{name, label, active, remaining, value}``."""
        rows = []
        for name, label in self.catalogue.items():
            fault = self._active.get(name)
            rows.append(
                {
                    "name": name,
                    "label": label,
                    "active": fault is not None,
                    "remaining": fault.remaining if fault else None,
                    "value": fault.value if fault else None,
                }
            )
        return rows

    def routes(self, prefix: str) -> list[BaseRoute]:
        """``GET/POST/DELETE {prefix}/faults``: list, set ``{name, times?, value?}``, clear ``?name=`` or all."""
        return [Route(f"{prefix}/faults", self._endpoint, methods=["GET", "POST", "DELETE"])]

    async def _endpoint(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.clear(request.query_params.get("name"))
        elif request.method == "POST":
            wish = await json_object(request)
            try:
                self.set(str(wish.get("name")), times=wish.get("times", 1), value=wish.get("value"))
            except (KeyError, ValueError, TypeError) as error:
                raise HTTPException(422, f"no such fault or bad value: {error}") from None
        return JSONResponse(self.summary())

    async def spoil(self, answer: Response) -> Response:
        """Apply the active transport faults to ``answer``."""
        if slow := self.take("slow"):
            await asyncio.sleep(_DEFAULT_SLOW_SECONDS if slow.value is None else slow.value)
        if self.take("http_500"):
            return PlainTextResponse("Internal Server Error", status_code=500)
        if self.take("html"):
            return Response("<html><body>502 Bad Gateway</body></html>", media_type="text/html")
        return _broken_off(answer) if self.take("broken_off") else answer


def _broken_off(answer: Response) -> Response:
    """Send fewer bytes than Content-Length, so that a real server closes the connection half-way."""
    whole = bytes(answer.body)
    return Response(whole[: len(whole) // 2], headers={"content-length": str(len(whole))}, media_type=answer.media_type)


async def json_object(request: Request) -> dict[str, Any]:
    """Return the JSON object in a request's body. Raises HTTPException (400) for anything else."""
    try:
        data = await request.json()
    except ValueError:
        raise HTTPException(400, "not JSON") from None
    if not isinstance(data, dict):
        raise HTTPException(400, "not a JSON object")
    return data
