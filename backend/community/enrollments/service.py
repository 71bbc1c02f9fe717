"""Places in a camp: who may order one, and who gets one by paying. The caller holds the camp's lock."""

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.camps.rules import EnrollState, enroll_state
from backend.community.eligibility.offers import fee_of, offer_of
from backend.community.enrollments import repository, rules
from backend.community.matching import service as matching
from backend.core import clock
from backend.core.actor import SYSTEM
from backend.core.errors import Conflict, NotFound
from backend.core.ids import new_id
from backend.core.money import format_yuan
from backend.models.camps import Camp, CampStatus
from backend.models.members import Member
from backend.models.payers import Payer
from backend.models.payments import Excess, Payment
from backend.office.notifications import scenes
from backend.office.notifications import service as notifications
from backend.office.notifications.service import To


class CampNotFound(NotFound):
    """The camp is unknown, deleted or not published."""

    code, message = "camp_not_found", "训练营不存在或尚未发布"


class EnrollNotOpen(Conflict):
    code, message = "enroll_not_open", "报名尚未开始"


class EnrollClosed(Conflict):
    code, message = "enroll_closed", "报名已结束"


class CampFull(Conflict):
    code, message = "camp_full", "训练营名额已满"


class AlreadyEnrolled(Conflict):
    code, message = "already_enrolled", "您已报名该训练营"

    def __init__(self, member: Member) -> None:
        super().__init__(data={"member_id": str(member.id), "payment_id": str(member.payment_id)})


_REFUSALS = {
    EnrollState.NOT_OPEN: EnrollNotOpen,
    EnrollState.CLOSED: EnrollClosed,
    EnrollState.FULL: CampFull,
}


def check_visible(camp: Camp | None) -> Camp:
    """Return the camp if it is published and not deleted. Raises CampNotFound."""
    if camp is None or camp.status is CampStatus.DRAFT or camp.deleted_at is not None:
        raise CampNotFound
    return camp


def check_window(camp: Camp) -> None:
    """Check that the camp takes orders now, full or not. Raises EnrollNotOpen, EnrollClosed."""
    _check(camp, taken=0)


async def check_place(session: AsyncSession, camp: Camp) -> None:
    """Check that one more place can be ordered. Raises EnrollNotOpen, EnrollClosed, CampFull."""
    _check(camp, taken=await repository.taken(session, camp.id))


def _check(camp: Camp, *, taken: int) -> None:
    refusal = _REFUSALS.get(enroll_state(camp, taken=taken, now=clock.now()))
    if refusal is not None:
        raise refusal


def person_openid(payer: Payer, payment: Payment) -> str | None:
    """The openid of the person whose place the order is for: from the login, else from the payment.

    Another person may pay for a logged-in member; the place is still the member's.
    """
    return payer.openid or payment.openid


async def admit(session: AsyncSession, camp: Camp, payer: Payer, payment: Payment, *, on_time: bool) -> Member | Excess:
    """Give the person of an order that was just paid a place, or return why there is none.

    ``on_time``: the order was paid before it expired and while pending, so it held a seat.
    """
    openid = person_openid(payer, payment)
    if await repository.membership(session, camp.id, payer_id=payer.id, openid=openid) is not None:
        return Excess.ALREADY_ENROLLED
    taken = await repository.taken(session, camp.id)
    excess = rules.excess_of(camp, on_time=on_time, taken=taken, today=clock.today())
    return excess or await _enrol(session, camp, payment, openid)


async def _enrol(session: AsyncSession, camp: Camp, payment: Payment, openid: str | None) -> Member:
    member = Member(
        id=new_id(),
        camp_id=camp.id,
        payer_id=payment.payer_id,
        payment_id=payment.id,
        openid=openid,
        planet_nickname=payment.planet_nickname,
        planet_number=payment.planet_number,
        wechat_nickname=payment.wechat_nickname,
        # Snapshot: later edits of the camp must not change a member's deal.
        refund_policy=camp.refund_policy,
        fee_fen=fee_of(camp.refund_policy, paid_fen=payment.amount_fen),
        paid_fen=payment.amount_fen,
        paid_at=payment.paid_at,
    )
    session.add(member)
    await session.flush()
    await matching.match_member(session, member, camp, actor=SYSTEM)
    values = {
        "camp": camp.name,
        "name": member.planet_nickname,
        "amount": format_yuan(payment.amount_fen),
        "order": payment.out_trade_no,
        "time": clock.minute(member.paid_at),
        "rule": offer_of(member, camp).short,
    }
    await notifications.notify(session, scenes.PAYMENT_SUCCESS, To.member(member), about=str(payment.id), values=values)
    return member
