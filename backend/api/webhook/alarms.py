"""Forged notifications: told to super administrators in groups, so that a flood is one alarm and little work."""

from collections.abc import Mapping
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from backend.core import clock
from backend.core.db import Database
from backend.office.notifications import scenes
from backend.office.notifications import service as notifications
from backend.office.notifications.service import To

log = structlog.get_logger(__name__)

PERIOD_SECONDS = 600
# Reasons that mean a forged notification. A request without signature headers is not an attack.
_FORGED = {"signature", "unknown_serial"}
_PROBE = "WECHATPAY/SIGNTEST/"


@dataclass(slots=True)
class Forgeries:
    """Those that this process saw since the last alarm. Each period has one alarm, whichever process is first."""

    count: int = 0
    told_in: int | None = None

    async def note(self, db: Database, reason: str, headers: Mapping[str, str]) -> None:
        """Count a refused notification; tell once per period. Never fails: the refusal is the answer."""
        # WeChat Pay sometimes sends a probe with a wrong signature, to test the verification. That is no attack.
        if reason not in _FORGED or headers.get("wechatpay-signature", "").startswith(_PROBE):
            return
        self.count += 1
        period = int(clock.timestamp() // PERIOD_SECONDS)
        if self.told_in == period:
            return
        self.told_in, count, self.count = period, self.count, 0
        values = {
            "kind": "支付通知验签失败",
            "count": count,
            "time": clock.minute(clock.now()),
            "summary": "收到签名不正确的支付通知，已拒绝。若持续出现，请核对微信支付公钥，并检查是否有人冒充微信支付",
        }
        try:
            async with db.transaction() as session:
                about = f"forged:{period}"
                await notifications.notify(session, scenes.SECURITY_ALARM, To.staff(), about=about, values=values)
        except (SQLAlchemyError, OSError) as error:
            log.warning("webhook.alarm_lost", error=type(error).__name__)
