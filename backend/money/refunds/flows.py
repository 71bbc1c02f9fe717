"""Refund jobs and procedures that call the provider or span several transactions."""

import asyncio
import uuid
from typing import Any

import structlog

from backend.core import clock
from backend.core.actor import PROVIDER, SYSTEM, Actor
from backend.core.queue import enqueue, enqueue_at
from backend.gateways.errors import GatewayError, Rejected, Unknown
from backend.gateways.wechat_pay import RefundFact
from backend.models.refunds import Refund, RefundStatus
from backend.money.refunds import lists, recovery, repository, sending, service
from backend.money.refunds.sending import Outcome, Sending
from backend.runtime import Runtime

log = structlog.get_logger(__name__)

# Concurrent provider calls. At 10 per second this is about one second of work.
_AT_ONCE = 10
# After this many refunds, a run ends and enqueues the next one, so that no job runs without end.
_MOST_PER_RUN = 1000


class _Pace:
    """Rate limiter: calls start evenly, at most ``per_second``. Uses the event loop's clock, not the wall clock."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._next = 0.0

    async def turn(self) -> None:
        now = asyncio.get_running_loop().time()
        at = max(now, self._next)
        self._next = at + self._gap
        await asyncio.sleep(at - now)


async def send(runtime: Runtime, _: dict[str, str]) -> None:
    """Job: send approved refunds. An approval, a retry or the end of a hold enqueues it.

    It enqueues itself again for approvals that can still be undone.
    """
    is_more = await _drain(runtime) >= _MOST_PER_RUN
    async with runtime.db.transaction() as session:
        if is_more:
            enqueue(session, "refunds.send")
        elif (at := await sending.next_due(session, runtime.settings.refund)) is not None:
            enqueue_at(session, "refunds.send", at)


async def refund_sweep(runtime: Runtime) -> dict[str, Any]:
    """Job, each minute: send due refunds, and query those that the provider accepted but didn't finish."""
    return {"sent": await _drain(runtime), "queried": await _query_accepted(runtime)}


async def _drain(runtime: Runtime) -> int:
    """Send until nothing is due or a hold is open. Only one worker sends at a time, to keep to the rate limit."""
    sent = 0
    async with runtime.db.exclusive("refunds.send") as alone:
        pace = _Pace(runtime.settings.refund.per_second)
        while alone and sent < _MOST_PER_RUN:
            claimed = await claim(runtime)
            if not claimed:
                break
            outcomes = await asyncio.gather(*(ask(runtime, one, pace) for one in claimed))
            for one, outcome in zip(claimed, outcomes, strict=True):
                await record(runtime, one, outcome)
            sent += len(claimed)
    return sent


async def claim(runtime: Runtime) -> list[Sending]:
    """Step 1: commit the intent."""
    async with runtime.db.transaction() as session:
        return await sending.claim(
            session,
            limit=_AT_ONCE,
            settings=runtime.settings.refund,
            notify_url=f"{runtime.settings.public_base_url}/api/webhook/wechat/refund",
        )


async def ask(runtime: Runtime, one: Sending, pace: _Pace | None = None) -> Outcome:
    """Step 2: call the provider, with no transaction open.

    Queries the number first if an earlier attempt may have worked (WeChat Pay v3, refunds: the one safe algorithm).
    """
    try:
        runtime.wechat_pay.require_merchant(one.mch_id)
    except Unknown as error:
        return Outcome(error, None)
    if one.ask_first:
        try:
            fact = await runtime.wechat_pay.query_refund(one.request.out_refund_no)
        except Rejected as error:
            # A rejected query doesn't mean that the refund is rejected.
            return Outcome(Unknown(error.system, error.code, error.message), None)
        except GatewayError as error:
            return Outcome(error, None)
        if fact is not None:
            return Outcome(fact, None)
    if pace is not None:
        await pace.turn()
    at = clock.now()
    try:
        return Outcome(await runtime.wechat_pay.create_refund(one.request), at)
    except GatewayError as error:
        return Outcome(error, at)


async def record(runtime: Runtime, one: Sending, outcome: Outcome) -> None:
    """Step 3: store the answer."""
    async with runtime.db.transaction() as session:
        await sending.record(session, one, outcome, settings=runtime.settings.refund)


async def _query_accepted(runtime: Runtime) -> int:
    """Query due accepted refunds. Claiming sets the next query time, so a run never queries a row twice."""
    asked = 0
    while True:
        async with runtime.db.transaction() as session:
            claimed = await sending.claim_queries(session, limit=_AT_ONCE, settings=runtime.settings.refund)
        if not claimed:
            return asked
        facts = await asyncio.gather(*(_query(runtime, *one) for one in claimed))
        for fact in facts:
            if fact is not None:
                await _take_in(runtime, fact)
        asked += len(claimed)


async def refresh(runtime: Runtime, refund_id: uuid.UUID) -> None:
    """刷新状态: query a refund now if the provider accepted it. Leaves any other unchanged.

    Raises GatewayError if the provider doesn't answer.
    """
    async with runtime.db.transaction() as session:
        refund = await session.get_one(Refund, refund_id)
        if refund.status is not RefundStatus.PROCESSING:
            return
        number, mch_id = refund.out_refund_no, await repository.merchant_of(session, refund)
    fact = await _known(runtime, number, mch_id)
    if fact is not None:
        await _take_in(runtime, fact)


async def _query(runtime: Runtime, out_refund_no: str, mch_id: str) -> RefundFact | None:
    try:
        return await _known(runtime, out_refund_no, mch_id)
    except GatewayError as error:
        log.warning("refund.query_failed", out_refund_no=out_refund_no, code=error.code)
        return None


async def _at_provider(runtime: Runtime, out_refund_no: str, mch_id: str) -> RefundFact | None:
    runtime.wechat_pay.require_merchant(mch_id)
    return await runtime.wechat_pay.query_refund(out_refund_no)


async def _known(runtime: Runtime, out_refund_no: str, mch_id: str) -> RefundFact | None:
    """Query a refund that the provider accepted. If the provider doesn't know it, log an error and return None."""
    fact = await _at_provider(runtime, out_refund_no, mch_id)
    if fact is None:
        log.error("refund.unknown_to_provider", out_refund_no=out_refund_no)
    return fact


async def _take_in(runtime: Runtime, fact: RefundFact) -> None:
    async with runtime.db.transaction() as session:
        await service.record_refund(session, fact, source="query", actor=PROVIDER)


async def settle_offline(runtime: Runtime, refund_id: uuid.UUID, *, note: str, actor: Actor) -> None:
    """标记已处理: the member got the money by other means.

    Queries the provider first, so that a refund it carries out after all isn't paid twice. Raises what
    :func:`recovery.settle_offline` raises, and GatewayError if the provider doesn't answer.
    """
    async with runtime.db.transaction() as session:
        refund = await session.get_one(Refund, refund_id)
        recovery.require_failed(refund)
        number, mch_id = refund.out_refund_no, await repository.merchant_of(session, refund)
    fact = await _at_provider(runtime, number, mch_id)
    if fact is not None:
        await _take_in(runtime, fact)
    async with runtime.db.transaction() as session:
        await recovery.settle_offline(session, refund_id, note=note, actor=actor)


async def refund_lists(runtime: Runtime) -> dict[str, Any]:
    """Job, 02:00: create or refresh the list of every camp that is over and not archived."""
    async with runtime.db.transaction() as session:
        camp_ids = await repository.camps_to_settle(session)
    created = blocked = 0
    for camp_id in camp_ids:
        try:
            async with runtime.db.transaction() as session:
                created += (await lists.make_list(session, camp_id, actor=SYSTEM)).created
        except lists.ListRefused as refusal:
            blocked += 1
            async with runtime.db.transaction() as session:
                await lists.tell_blocked(session, camp_id, refusal)
    return {"camps": len(camp_ids), "created": created, "blocked": blocked}
