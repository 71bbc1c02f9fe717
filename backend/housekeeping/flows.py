"""What the night sweeps away: only rows that nothing decides on any more."""

import datetime as dt
from typing import Any, cast

from sqlalchemy import CursorResult, delete

from backend.core import clock
from backend.models.jobs import JobRun
from backend.models.payers import OAuthState
from backend.models.staff import StaffSession
from backend.runtime import Runtime

KEEP_JOB_RUNS_DAYS = 30


async def housekeeping(runtime: Runtime) -> dict[str, Any]:
    """Remove expired log-ins, finished authorisations and old job records. Money and audit rows stay."""
    now = clock.now()
    old = now - dt.timedelta(days=KEEP_JOB_RUNS_DAYS)
    statements = {
        "oauth_states": delete(OAuthState).where(OAuthState.expires_at < now),
        "staff_sessions": delete(StaffSession).where(StaffSession.expires_at < now),
        "job_runs": delete(JobRun).where(JobRun.created_at < old),
    }
    removed = {}
    async with runtime.db.transaction() as session:
        for name, statement in statements.items():
            result = await session.execute(statement)
            removed[name] = cast("CursorResult[Any]", result).rowcount
    return removed
