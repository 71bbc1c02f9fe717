"""Rows with sane defaults; a test names only what it is about. Everything is flushed, nothing committed."""

import datetime as dt
import uuid
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from backend.community.eligibility.days import Calendar
from backend.community.eligibility.policy import UnknownPolicy, parse
from backend.community.eligibility.rules import Facts, assess
from backend.core import clock
from backend.core.ids import new_id, new_number
from backend.core.security import SecretBox, hash_password, issue_token
from backend.models.camps import Camp, CampStaff, CampStaffKind, CampStatus
from backend.models.members import MatchMethod, MatchStatus, Member
from backend.models.notifications import NoticeAudience, NoticeChannel, NoticeStatus, Notification
from backend.models.payers import Payer
from backend.models.payments import Channel, Payment, PaymentStatus
from backend.models.planets import Planet, PlanetUser
from backend.models.refunds import Refund, RefundKind, RefundStatus
from backend.models.staff import Staff, StaffRole, StaffSession
from backend.models.uploads import Upload, UploadKind
from backend.money.ledger import service as ledger
from backend.money.refunds.evidence import COLUMNS
from backend.sandbox.oauth import OAuthSandbox

PASSWORD = "correct-horse-1"
# The sandbox's merchant.
MCH_ID = "1900006891"
APP_ID = OAuthSandbox.app_id
_hashes: list[str] = []


def _unique() -> str:
    return uuid.uuid4().hex[:10]


def password_hash() -> str:
    """The hash of PASSWORD, computed once: bcrypt is slow on purpose."""
    if not _hashes:
        _hashes.append(hash_password(PASSWORD))
    return _hashes[0]


async def _saved(session: AsyncSession, row: Any) -> Any:
    session.add(row)
    await session.flush()
    return row


async def make_staff(session: AsyncSession, role: StaffRole = StaffRole.MANAGER, **fields: Any) -> Staff:
    fields = {"username": f"user-{_unique()}", "display_name": "小王", "password_hash": password_hash()} | fields
    staff: Staff = await _saved(session, Staff(id=new_id(), role=role, **fields))
    return staff


async def make_planet(
    session: AsyncSession, secrets: SecretBox | None = None, *, token: str = "", **fields: Any
) -> Planet:
    planet_id = new_id()
    sealed = secrets.seal(token, context=f"planet:{planet_id}") if secrets else "sealed"
    fields = {"name": f"星球 {_unique()}", "group_id": str(uuid.uuid4().int)[:14], "token_hint": token[-4:]} | fields
    planet: Planet = await _saved(session, Planet(id=planet_id, sealed_token=sealed, **fields))
    return planet


async def make_planet_user(session: AsyncSession, planet: Planet, **fields: Any) -> PlanetUser:
    # Never the beginning of a member's number that a test looks for.
    user_id = f"8{uuid.uuid4().int}"[:15]
    fields = {"user_id": user_id, "name": f"学员{_unique()}", "updated_at": clock.now()} | fields
    user: PlanetUser = await _saved(session, PlanetUser(planet_id=planet.id, **fields))
    return user


async def make_camp(session: AsyncSession, *, required_days: int = 7, **fields: Any) -> Camp:
    """An enrolling camp that starts tomorrow and lasts ten days, unless told otherwise."""
    today = clock.today()
    starts_on = fields.pop("starts_on", today + dt.timedelta(days=1))
    fields = {
        "name": f"写作营 {_unique()}",
        "status": CampStatus.ENROLLING,
        "deposit_fen": 9900,
        "capacity": 1000,
        "starts_on": starts_on,
        "ends_on": starts_on + dt.timedelta(days=9),
        "enroll_opens_at": clock.now() - dt.timedelta(days=1),
        "enroll_closes_at": clock.day_start(starts_on) - dt.timedelta(seconds=1),
        "refund_policy": {"kind": "threshold", "required_days": required_days},
        "checkin_id": str(uuid.uuid4().int)[:10],
        "published_at": clock.now(),
    } | fields
    if "planet_id" not in fields:
        fields["planet_id"] = (await make_planet(session)).id
    camp: Camp = await _saved(session, Camp(id=new_id(), **fields))
    return camp


async def assign(session: AsyncSession, camp: Camp, staff: Staff, kind: CampStaffKind = CampStaffKind.COACH) -> None:
    await _saved(session, CampStaff(camp_id=camp.id, staff_id=staff.id, kind=kind))


async def make_payer(session: AsyncSession, *, openid: str | None = None) -> Payer:
    payer: Payer = await _saved(session, Payer(id=new_id(), openid=openid))
    return payer


async def make_payment(
    session: AsyncSession, camp: Camp, payer: Payer | None = None, *, paid: bool = False, **fields: Any
) -> Payment:
    """A pending order; ``paid=True`` makes it a paid one with its ledger entry (but no member)."""
    payer = payer or await make_payer(session, openid=f"o-{_unique()}")
    now = clock.now()
    fields = {
        "channel": Channel.JSAPI,
        "mch_id": MCH_ID,
        "app_id": APP_ID,
        "out_trade_no": new_number("P"),
        "amount_fen": camp.deposit_fen,
        "description": camp.name,
        "planet_nickname": f"昵称{_unique()}",
        "planet_number": str(uuid.uuid4().int)[:4],
        "wechat_nickname": f"微信{_unique()}",
        "expires_at": now + dt.timedelta(minutes=30),
    } | fields
    payment = Payment(id=new_id(), camp_id=camp.id, payer_id=payer.id, **fields)
    if paid:
        payment.status = PaymentStatus.PAID
        payment.transaction_id = payment.transaction_id or str(uuid.uuid4().int)[:28]
        payment.openid = payment.openid or payer.openid
        payment.paid_at = payment.paid_at or now
        payment.recorded_at = now
        payment.source = payment.source or "callback"
    await _saved(session, payment)
    if paid:
        ledger.paid(session, payment)
        await session.flush()
    return payment


async def make_member(session: AsyncSession, camp: Camp, payer: Payer | None = None, **fields: Any) -> Member:
    """A member with a paid order; matched at 100 when ``planet_user_id`` is given."""
    payer = payer or await make_payer(session, openid=f"o-{_unique()}")
    form = {key: fields.pop(key) for key in ("planet_nickname", "planet_number", "wechat_nickname") if key in fields}
    payment = fields.pop("payment", None) or await make_payment(session, camp, payer, paid=True, **form)
    if fields.get("planet_user_id") and "status" not in fields:
        fields |= {"status": MatchStatus.MATCHED}
        fields.setdefault("confidence", 100)
        fields.setdefault("match_method", MatchMethod.PLANET_NUMBER)
    fields = {
        "openid": payment.openid,
        "planet_nickname": payment.planet_nickname,
        "planet_number": payment.planet_number,
        "wechat_nickname": payment.wechat_nickname,
        "refund_policy": camp.refund_policy,
        "paid_fen": payment.amount_fen,
        "paid_at": payment.paid_at,
    } | fields
    told = {name: fields.pop(name) for name in _JUDGED if name in fields}
    member = Member(id=new_id(), camp_id=camp.id, payer_id=payer.id, payment_id=payment.id, **fields)
    judge(member, camp)
    for name, value in told.items():
        setattr(member, name, value)
    saved: Member = await _saved(session, member)
    return saved


_JUDGED = ("days", "required_days", "standing", "entitled_fen", "verdict", "verdict_reasons", "breakdown")


def judge(member: Member, camp: Camp) -> None:
    """Write on a member what its day counts lead to, as a recount would if these were the facts in their tables.

    The posts are the camp's first days. The camp's end was seen if the camp is over.
    """
    calendar = Calendar(camp.starts_on, camp.ends_on)
    is_over = camp.status in (CampStatus.ENDED, CampStatus.SETTLING, CampStatus.ARCHIVED)
    posts, sheet = member.days_posts, member.days_import
    try:
        policy = parse(member.refund_policy)
    except UnknownPolicy:
        policy = None
    result = assess(
        policy,
        Facts(
            calendar=calendar,
            paid_fen=member.paid_fen,
            begun=camp.status not in (CampStatus.DRAFT, CampStatus.ENROLLING),
            match_status=member.status or MatchStatus.UNMATCHED,
            confidence=member.confidence or 0,
            ranking=member.days_ranking,
            posts=frozenset(list(calendar)[:posts]) if posts is not None else None,
            sheet=sheet,
            open_from=None if is_over else max(camp.starts_on, clock.today()),
        ),
    )
    for name in _JUDGED:
        value = getattr(result, "reasons" if name == "verdict_reasons" else name)
        setattr(member, name, [each.value for each in value] if name == "verdict_reasons" else value)
    member.judged_at = clock.now()


async def make_refund(session: AsyncSession, member: Member, **fields: Any) -> Refund:
    """A refund of a member's deposit waiting for review. Later states need their own columns given."""
    fields = {
        "kind": RefundKind.CAMP,
        "status": RefundStatus.PENDING_REVIEW,
        "amount_fen": member.entitled_fen or member.paid_fen,
        "out_refund_no": new_number("R"),
        "listed_verdict": member.verdict,
    } | fields
    if fields["kind"] is RefundKind.CAMP and fields["status"] is not RefundStatus.PENDING_REVIEW:
        fields = {name: getattr(member, name) for name in COLUMNS} | fields
    refund: Refund = await _saved(
        session,
        Refund(id=new_id(), camp_id=member.camp_id, member_id=member.id, payment_id=member.payment_id, **fields),
    )
    return refund


async def make_message(
    session: AsyncSession, content: str, member: Member | None = None, **fields: Any
) -> Notification:
    """A message in a member's inbox, or without a member one that staff got."""
    fields = {
        "scene": "refund_success" if member else "sync_failed",
        "audience": NoticeAudience.MEMBER if member else NoticeAudience.STAFF,
        "channel": NoticeChannel.INBOX if member else NoticeChannel.WECOM_APP,
        "dedupe_key": _unique(),
        "camp_id": member.camp_id if member else None,
        "member_id": member.id if member else None,
        "payer_id": member.payer_id if member else None,
        "recipient": member.planet_nickname if member else "",
        "title": "退款",
        "status": NoticeStatus.SENT,
        "sent_at": clock.now(),
    } | fields
    message: Notification = await _saved(session, Notification(id=new_id(), content=content, **fields))
    return message


async def sign_in(session: AsyncSession, staff: Staff, secret: str) -> dict[str, str]:
    """The headers of a log-in of this person (``secret`` is the settings' ``secret_key``)."""
    now = clock.now()
    row: StaffSession = await _saved(
        session, StaffSession(id=new_id(), staff_id=staff.id, expires_at=now + dt.timedelta(hours=24))
    )
    token = issue_token(secret, audience="admin", subject=staff.id, session=row.id, seconds=24 * 3600)
    return {"Authorization": f"Bearer {token}"}


async def make_upload(session: AsyncSession, kind: UploadKind, staff: Staff | None = None) -> Upload:
    """The row of a stored picture, without its bytes."""
    staff = staff or await make_staff(session)
    fields = {"key": f"{kind}/{uuid.uuid4()}.png", "content_type": "image/png", "size_bytes": 100}
    upload: Upload = await _saved(session, Upload(id=new_id(), kind=kind, uploaded_by=staff.id, **fields))
    return upload
