"""Stored pictures, where the store has no addresses of its own."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from backend.api.deps import RuntimeDep
from backend.core.errors import NotFound
from backend.office.uploads import flows, service

router = APIRouter(include_in_schema=False)

_TYPES = {"jpg": "image/jpeg", "png": "image/png"}


@router.get("/media/{key:path}")
async def media(
    key: str,
    runtime: RuntimeDep,
    expires: Annotated[str | None, Query()] = None,
    signature: Annotated[str | None, Query()] = None,
) -> Response:
    """Posters are public; a group QR needs a good signature. What may not be seen is answered like what isn't there."""
    content_type = _TYPES.get(key.rpartition(".")[2])
    if content_type is None or not service.may_fetch(runtime, key, expires=expires, signature=signature):
        raise NotFound
    data = await flows.fetch(runtime, key)
    # A key's picture never changes, so a poster can be cached forever.
    caching = "private, no-store" if service.needs_signature(key) else "public, max-age=31536000, immutable"
    # The apps may run on other origins; the default same-origin policy would block the pictures.
    headers = {"Cache-Control": caching, "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(data, media_type=content_type, headers=headers)
