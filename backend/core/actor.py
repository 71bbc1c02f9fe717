"""Who acts, and from where. Every audit row records an actor."""

import uuid
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or machine that acts. The audit log shows ``name``; members appear by id only."""

    kind: Literal["staff", "member", "provider", "system"]
    name: str
    id: uuid.UUID | None = None
    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None


SYSTEM = Actor(kind="system", name="system")
PROVIDER = Actor(kind="provider", name="wechat_pay")
