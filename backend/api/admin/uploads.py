"""Pictures staff upload: posters and group QR codes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, UploadFile

from backend.api.answers import Answer, Model, answer
from backend.api.bodies import up_to
from backend.api.deps import Allowed, CurrentStaff, RuntimeDep
from backend.models.uploads import UploadKind
from backend.office.staff.rules import Permission
from backend.office.uploads import flows, service
from backend.office.uploads.pictures import MAX_BYTES

router = APIRouter(prefix="/uploads", tags=["上传"])


class UploadOut(Model):
    key: str
    url: str


@router.post("", dependencies=[Depends(Allowed(Permission.CAMP_WRITE))])
@up_to(3)
async def upload(
    file: UploadFile, kind: Annotated[UploadKind, Form()], runtime: RuntimeDep, viewer: CurrentStaff
) -> Answer[UploadOut]:
    """JPG or PNG, at most 2 MB. The address of a group QR is good for ten minutes."""
    data = await file.read(MAX_BYTES + 1)
    row = await flows.store(runtime, viewer.actor, staff_id=viewer.staff.id, kind=kind, data=data)
    url = await service.url_of(runtime, row.key)
    return answer(UploadOut(key=row.key, url=url))
