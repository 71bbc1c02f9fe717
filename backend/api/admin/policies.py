"""Composing a camp's deal: what can be chosen, and what it would pay (reference fair-deal §3)."""

from typing import Any

from fastapi import APIRouter, Depends

from backend.api.admin.camps import Fen, PolicyIn
from backend.api.answers import Answer, Day, Id, Model, answer
from backend.api.deps import Allowed, CurrentStaff, SessionDep
from backend.api.rules import RuleOut
from backend.community.camps.rules import MAX_DAYS
from backend.community.camps.service import get_camp
from backend.community.eligibility import policy as policies
from backend.community.eligibility import preview, repository
from backend.community.eligibility.days import Calendar
from backend.community.eligibility.offers import offer
from backend.community.eligibility.policy import Policy, PolicyRefused
from backend.community.eligibility.preview import Person
from backend.core.errors import Invalid
from backend.models.camps import Camp, CampStatus
from backend.office.staff.rules import Permission

router = APIRouter(tags=["退款规则"], dependencies=[Depends(Allowed(Permission.CAMP_WRITE))])

_OVER = (CampStatus.ENDED, CampStatus.SETTLING, CampStatus.ARCHIVED)
# Number of simulated people when no finished camp is chosen.
_SPREAD = 100


class FieldFormOut(Model):
    """One field of a kind as a form draws it; ``unit`` is ``days``, ``fen``, ``step``, ``dates`` or ``tiers``."""

    name: str
    label: str
    unit: str
    default: Any


class KindFormOut(Model):
    kind: str
    label: str
    fields: list[FieldFormOut]


class KindsOut(Model):
    """Every condition and payout that a deal can be put together from."""

    conditions: list[KindFormOut]
    payouts: list[KindFormOut]


class PreviewIn(Model):
    """A draft's days and money with the deal being edited; without one the default template is shown.

    ``camp_id``: a finished camp whose real days are tried. Without one people as they usually are.
    """

    starts_on: Day
    ends_on: Day
    deposit_fen: Fen
    refund_policy: PolicyIn | None = None
    camp_id: Id | None = None


class ProblemOut(Model):
    """``field`` as in ``refund_policy``: ``payout.full_at``."""

    field: str
    message: str


class TemplateOut(Model):
    code: str
    label: str
    refund_policy: dict[str, Any]
    is_default: bool
    is_recommended: bool


class StepOut(Model):
    days: int
    amount_fen: int


class CliffOut(Model):
    """The most money that one missed day can cost, and its share of the deposit in percent."""

    fen: int
    percent_of_deposit: int
    from_days: int
    to_days: int


class WarningOut(Model):
    code: str
    text: str


class PeopleOut(Model):
    amount_fen: int
    people: int


class NamedOut(Model):
    """``role``: ``best``, ``typical`` or ``worst`` of all."""

    role: str
    name: str
    days: int
    amount_fen: int


class RehearsalOut(Model):
    """What the deal would have paid; ``camp_name`` is null for people as they usually are.

    ``same_length``: the finished camp's days are taken one by one, else by their place in it.
    """

    camp_id: Id | None
    camp_name: str | None
    same_length: bool
    people: int
    sum_fen: int
    kept_fen: int
    fee_fen: int
    by_amount: list[PeopleOut]
    examples: list[NamedOut]


class PreviewOut(Model):
    """With ``problems`` there is nothing else to show but the templates."""

    refund_policy: dict[str, Any]
    templates: list[TemplateOut]
    problems: list[ProblemOut]
    required_days: int | None
    countable_days: int | None
    rule: RuleOut | None
    amounts: list[StepOut]
    cliff: CliffOut | None
    warnings: list[WarningOut]
    rehearsal: RehearsalOut | None


@router.get("/policies/kinds")
async def kinds() -> Answer[KindsOut]:
    """What a form can offer, with the fields of each kind."""
    conditions, payouts = policies.kinds()
    return answer(KindsOut.model_validate({"conditions": conditions, "payouts": payouts}))


@router.post("/camps/preview-policy")
async def preview_policy(body: PreviewIn, session: SessionDep, viewer: CurrentStaff) -> Answer[PreviewOut]:
    """The deal in words, what each number of days pays, its steepest step, and what a finished camp would have paid."""
    calendar = Calendar(body.starts_on, body.ends_on)
    if not 1 <= len(calendar) <= MAX_DAYS:
        raise Invalid({"ends_on": f"营期须为 1 至 {MAX_DAYS} 天"})
    camp = await _finished(session, viewer, body) if body.camp_id is not None else None
    policy, problems = _read(body, calendar)
    found = PreviewOut(
        refund_policy=policy.dump() if policy is not None else {},
        templates=_templates(policy, calendar, body.deposit_fen),
        problems=problems,
        required_days=None,
        countable_days=None,
        rule=None,
        amounts=[],
        cliff=None,
        warnings=[],
        rehearsal=None,
    )
    if policy is None or problems:
        return answer(found)
    deal = offer(policy.dump(), starts_on=body.starts_on, ends_on=body.ends_on, paid_fen=body.deposit_fen)
    warnings = preview.warnings(policy, calendar, body.deposit_fen)
    shown = {
        "required_days": deal.required_days,
        "countable_days": len(deal.countable_days),
        "rule": RuleOut.model_validate(deal),
        "amounts": [StepOut.model_validate(step) for step in preview.amounts(policy, calendar, body.deposit_fen)],
        "cliff": CliffOut.model_validate(preview.cliff(policy, calendar, body.deposit_fen)),
        "warnings": [WarningOut(code=code, text=text) for code, text in warnings],
        "rehearsal": await _rehearse(session, policy, calendar, body.deposit_fen, camp),
    }
    return answer(found.model_copy(update=shown))


async def _finished(session: SessionDep, viewer: CurrentStaff, body: PreviewIn) -> Camp:
    assert body.camp_id is not None  # noqa: S101 - asked by the caller
    camp = await get_camp(session, body.camp_id)
    viewer.require_camp(camp.id)
    if camp.status not in _OVER:
        raise Invalid({"camp_id": "只能用已结束的训练营试算"})
    return camp


def _read(body: PreviewIn, calendar: Calendar) -> tuple[Policy | None, list[ProblemOut]]:
    """The deal being edited, and what is wrong with it; the default one where none is given."""
    if body.refund_policy is None:
        chosen = preview.templates(calendar, body.deposit_fen)
        return next(template.policy for template in chosen if template.is_default), []
    try:
        policy = policies.read(body.refund_policy)
    except PolicyRefused as refused:
        return None, _problems(refused.problems)
    return policy, _problems(policies.problems(policy, calendar, paid_fen=body.deposit_fen))


def _problems(found: dict[str, str]) -> list[ProblemOut]:
    return [ProblemOut(field=field, message=text) for field, text in found.items()]


def _templates(policy: Policy | None, calendar: Calendar, paid_fen: int) -> list[TemplateOut]:
    """Templates keep how days are counted and the fee, which a person chose besides."""
    counting, fee_fen = (policy.counting, policy.fee_fen) if policy is not None else (None, 0)
    return [
        TemplateOut(
            code=template.code,
            label=template.label,
            refund_policy=template.policy.dump(),
            is_default=template.is_default,
            is_recommended=template.is_recommended,
        )
        for template in preview.templates(calendar, paid_fen, counting=counting, fee_fen=fee_fen)
    ]


async def _rehearse(
    session: SessionDep, policy: Policy, calendar: Calendar, paid_fen: int, camp: Camp | None
) -> RehearsalOut:
    if camp is None:
        people, same_length = preview.spread(calendar, _SPREAD), True
    else:
        source = Calendar(camp.starts_on, camp.ends_on)
        same_length = len(source) == len(calendar)
        people = [
            Person(name, preview.onto(source, days, calendar))
            for name, days in await repository.people_of(session, camp)
        ]
    outcome = preview.run(policy, calendar, paid_fen, people)
    return RehearsalOut(
        camp_id=camp.id if camp is not None else None,
        camp_name=camp.name if camp is not None else None,
        same_length=same_length,
        people=outcome.people,
        sum_fen=outcome.sum_fen,
        kept_fen=outcome.kept_fen,
        fee_fen=outcome.fee_fen,
        by_amount=[PeopleOut(amount_fen=amount, people=people) for amount, people in outcome.by_amount],
        examples=[NamedOut.model_validate(named) for named in outcome.examples],
    )
