"""The overview page, its assets, and one control endpoint for the faults of all systems."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from backend.sandbox.faults import json_object
from backend.sandbox.overview.view import FaultSet, Simulators, read_view

_HERE = Path(__file__).parent
# Shared by all sandboxes of a process, so that the template is compiled once.
_TEMPLATES = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Overview:
    """Routes ``/``, ``/overview/…`` and ``/_control/faults``."""

    def __init__(self, simulators: Simulators) -> None:
        self._simulators = simulators

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/", self._show),
            Route("/_control/faults", self._change_faults, methods=["POST", "DELETE"]),
            Mount("/overview", StaticFiles(directory=_HERE / "static")),
        ]

    async def _show(self, _: Request) -> Response:
        page = _TEMPLATES.get_template("overview.html").render(view=read_view(self._simulators))
        return HTMLResponse(page, headers={"Cache-Control": "no-store"})

    async def _change_faults(self, request: Request) -> Response:
        """POST ``{system, name, times?, value?}`` injects (times null: until cleared); DELETE ``{system, name?}``."""
        wish = await json_object(request)
        faults = self._faults_of(wish)
        if request.method == "DELETE":
            faults.clear(wish.get("name"))
        else:
            _inject(faults, wish)
        return JSONResponse(faults.summary())

    def _faults_of(self, wish: dict[str, Any]) -> FaultSet:
        entry = self._simulators.fault_sets().get(str(wish.get("system")))
        if entry is None:
            raise HTTPException(422, "没有这个系统")
        return entry[1]


def _inject(faults: FaultSet, wish: dict[str, Any]) -> None:
    try:
        faults.set(str(wish.get("name")), times=wish.get("times", 1), value=wish.get("value"))
    except (KeyError, ValueError, TypeError):
        raise HTTPException(422, "故障名称、次数或数值不正确") from None
