"""退款记录: what became of the person's money."""

from fastapi import APIRouter

from backend.api.answers import Answer, Id, Rows, answer
from backend.api.deps import CurrentPayer, PageDep, SessionDep
from backend.api.h5.shown import MyCampOut, MyRefundOut
from backend.members import repository
from backend.models.camps import Camp
from backend.models.refunds import Refund

router = APIRouter(prefix="/refunds", tags=["我的"])


class MyRefundRowOut(MyRefundOut):
    """``days`` of ``required_days`` are those of the review; both are null for money that was never a deposit of
    somebody with a place, such as a second payment."""

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
    found = await repository.owned_refunds(session, page, payer_id=payer.id, openid=payer.openid)
    return answer(Rows.of(found, _row))


def _row(columns: tuple[Refund, Camp]) -> MyRefundRowOut:
    refund, camp = columns
    shown = MyRefundOut.model_validate(refund).model_dump()
    return MyRefundRowOut(
        **shown,
        camp=MyCampOut.model_validate(camp),
        member_id=refund.member_id,
        days=refund.days,
        required_days=refund.required_days,
    )
