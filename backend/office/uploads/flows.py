"""Storing and reading uploaded images."""

import asyncio
import uuid

from backend.core.actor import Actor
from backend.core.errors import Invalid, NotFound
from backend.core.ids import new_id
from backend.gateways.errors import Rejected
from backend.models.uploads import Upload, UploadKind
from backend.office.audit import service as audit
from backend.office.uploads import pictures
from backend.runtime import Runtime


async def store(runtime: Runtime, actor: Actor, *, staff_id: uuid.UUID, kind: UploadKind, data: bytes) -> Upload:
    """Validate an image, re-encode it and store it under a random name. Raises Invalid, GatewayError."""
    try:
        picture = await asyncio.to_thread(pictures.reencode, data)
    except pictures.BadPicture as error:
        raise Invalid({"file": str(error)}) from error
    # A version 4 UUID: the name must not be guessable or reveal the time of the upload.
    key = f"{kind}/{uuid.uuid4()}.{picture.extension}"
    # Store the bytes first: an orphaned file does no harm, but a row without its file is a broken image.
    await runtime.storage.put(key, picture.data, picture.content_type)
    upload = Upload(
        id=new_id(),
        key=key,
        kind=kind,
        content_type=picture.content_type,
        size_bytes=len(picture.data),
        uploaded_by=staff_id,
    )
    async with runtime.db.transaction() as session:
        session.add(upload)
        audit.record(
            session, actor, "upload.create", target_type="upload", target_id=upload.id, target_name=key,
            after={"kind": kind.value, "size_bytes": upload.size_bytes},
        )  # fmt: skip
    return upload


async def fetch(runtime: Runtime, key: str) -> bytes:
    """The bytes of a stored image. Raises NotFound for unknown and malformed keys, and GatewayError."""
    try:
        return await runtime.storage.get(key)
    except Rejected as error:
        raise NotFound from error
