"""Ownership conditions in SQL. They alone decide what a person sees.

A person is an openid, or a guest session until a payment reveals the openid (design §10). A WeChat log-in therefore
also finds guest orders paid with the same account. It never finds orders of another WeChat log-in: somebody else may
pay for a member, and the place is still the member's.
"""

import uuid

from sqlalchemy import ColumnElement, and_, exists, literal, or_, select, union

from backend.models.members import Member
from backend.models.notifications import Notification
from backend.models.payers import Payer
from backend.models.payments import Payment


def owns_member(payer_id: uuid.UUID, openid: str | None) -> ColumnElement[bool]:
    """Memberships of this person."""
    mine = Member.payer_id == payer_id
    return or_(mine, Member.openid == openid) if openid is not None else mine


def owns_payment(payer_id: uuid.UUID, openid: str | None) -> ColumnElement[bool]:
    """Orders of this person: placed under their log-in, or by a guest and then paid by their WeChat account."""
    mine = Payment.payer_id == payer_id
    if openid is None:
        return mine
    by_guest = exists().where(Payer.id == Payment.payer_id, Payer.openid.is_(None))
    return or_(mine, and_(Payment.openid == openid, by_guest))


def owns_message(payer_id: uuid.UUID, openid: str | None) -> ColumnElement[bool]:
    """Messages to this person.

    One guest browser may pay with several accounts. A guest's message therefore belongs to the owner of the membership
    it is about. Without a membership, it belongs to the account that paid in its camp.
    """
    told = Notification.payer_id == payer_id
    if openid is None:
        return told
    about_place = exists().where(Member.id == Notification.member_id, Member.openid == openid)
    about_payment = exists().where(
        Notification.member_id.is_(None),
        Payment.payer_id == Notification.payer_id,
        Payment.camp_id == Notification.camp_id,
        Payment.openid == openid,
        Payer.id == Payment.payer_id,
        Payer.openid.is_(None),
    )
    # A plain OR would be evaluated for every message. Restrict the payers first: there are only a few.
    payers = union(
        select(literal(payer_id)),
        select(Member.payer_id).where(Member.openid == openid),
        select(Payment.payer_id).where(Payment.openid == openid),
    )
    return and_(Notification.payer_id.in_(payers), or_(told, about_place, about_payment))
