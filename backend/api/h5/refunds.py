"""退款记录: what became of the person's money."""

from fastapi import APIRouter

from backend.api.answers import Answer, Id, Rows, answer
from backend.api.deps import CurrentPayer, PageDep, SessionDep
from backend.api.h5.shown import MyCampOut, MyRefundOut, my_refund
from backend.money.refunds import queries
from backend.money.refunds.queries import OwnedRefund

router = APIRouter(prefix="/refunds", tags=["我的"])


class MyRefundRowOut(MyRefundOut):
    """``days`` of ``required_days`` are the member's until the review, then those of the review.

    Both are null for money that was never a deposit of somebody with a place, such as a second payment.
    """

    camp: MyCampOut
    member_id: Id | None
    days: int | None
    required_days: int | None


@router.get("")
async def list_refunds(payer: CurrentPayer, session: SessionDep, page: PageDep) -> Answer[Rows[MyRefundRowOut]]:
    """Every refund of the person's payments, newest first.

    Who misses the days gets no row at all: the progress page says so. A row whose days fell short later waits for
    review like any other, since a person decides.
    """
    found = await queries.owned(session, page, payer_id=payer.id, openid=payer.openid)
    return answer(Rows.of(found, _row))


def _row(row: OwnedRefund) -> MyRefundRowOut:
    refund, evidence = row.refund, row.evidence
    return MyRefundRowOut(
        **my_refund(refund, owed_fen=row.amount_fen).model_dump(),
        camp=MyCampOut.model_validate(row.camp),
        member_id=refund.member_id,
        days=evidence.days,
        required_days=evidence.required_days,
    )
