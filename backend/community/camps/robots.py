"""The webhook robot of a camp's WeCom group. Its key is the whole credential: stored encrypted, never shown again."""

import re
import uuid
from urllib.parse import parse_qs, urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps.service import lock_camp
from backend.core.actor import Actor
from backend.core.errors import Invalid
from backend.core.security import SecretBox
from backend.models.camps import Camp
from backend.office.audit import service as audit
from backend.office.notifications.sending import robot_context

_KEY = re.compile(r"[A-Za-z0-9_-]{8,100}")
_HINT = 4


async def set_robot(session: AsyncSession, actor: Actor, secrets: SecretBox, camp_id: uuid.UUID, text: str) -> Camp:
    """Store the robot's key, encrypted. ``text``: the key or the full webhook URL. Raises NotFound, Invalid."""
    camp = await lock_camp(session, camp_id)
    key = key_of(text)
    if key is None:
        raise Invalid({"key": "请粘贴群机器人的 Webhook 地址，或其中的 key"})
    before = camp.robot_key_hint
    camp.sealed_robot_key, camp.robot_key_hint = secrets.seal(key, context=robot_context(camp.id)), key[-_HINT:]
    _audit(session, actor, camp, before)
    return camp


async def remove_robot(session: AsyncSession, actor: Actor, camp_id: uuid.UUID) -> Camp:
    """Remove the robot's key. Raises NotFound."""
    camp = await lock_camp(session, camp_id)
    if camp.sealed_robot_key is not None:
        before, camp.sealed_robot_key, camp.robot_key_hint = camp.robot_key_hint, None, None
        _audit(session, actor, camp, before)
    return camp


def key_of(text: str) -> str | None:
    """Extract the key from pasted text; None if there is none."""
    text = text.strip()
    address = urlsplit(text)
    key = "".join(parse_qs(address.query).get("key", [])) if address.scheme else text
    return key if _KEY.fullmatch(key) else None


def _audit(session: AsyncSession, actor: Actor, camp: Camp, before: str | None) -> None:
    shown = {name: {"robot": f"******{hint}" if hint else None} for name, hint in
             (("before", before), ("after", camp.robot_key_hint))}  # fmt: skip
    audit.record(
        session, actor, "camp.robot.change", target_type="camp", target_id=camp.id, target_name=camp.name,
        camp_id=camp.id, before=shown["before"], after=shown["after"],
    )  # fmt: skip
