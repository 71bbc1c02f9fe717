"""The fee (服务费) in a member's payment. It becomes income once the camp has begun (reference fair-deal §3)."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps import service as camps
from backend.money.ledger import service as ledger
from backend.money.payments import repository
from backend.runtime import Runtime


async def earn_due(runtime: Runtime) -> int:
    """Book all due fees of camps that have begun; return how many. Idempotent.

    Each camp has its own transaction.
    """
    async with runtime.db.transaction() as session:
        due = await repository.camps_with_due_fees(session)
    count = 0
    for camp_id in due:
        async with runtime.db.transaction() as session:
            count += await earn(session, camp_id)
    return count


async def earn(session: AsyncSession, camp_id: uuid.UUID) -> int:
    """Book a camp's due fees; return how many. Takes the camp's lock, so that no fee is booked twice."""
    await camps.lock_camp(session, camp_id)
    due = await repository.due_fees(session, camp_id)
    for payment, fee_fen in due:
        ledger.fee(session, payment, fee_fen)
    return len(due)
