"""The console's API: staff only, checked at each request. Each module here that has a ``router`` is one topic."""

from importlib import import_module
from pkgutil import iter_modules

from fastapi import APIRouter

router = APIRouter(prefix="/admin")
for found in iter_modules(__path__):
    topic = import_module(f"{__name__}.{found.name}")
    router.include_router(topic.router)
