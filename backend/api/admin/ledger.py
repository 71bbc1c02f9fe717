"""The ledger's balances."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from backend.api.answers import Answer, Id, Model, answer
from backend.api.deps import Allowed, SessionDep
from backend.money.ledger import service
from backend.office.staff.rules import Permission

router = APIRouter(prefix="/ledger", tags=["对账"], dependencies=[Depends(Allowed(Permission.RECONCILIATION))])


class BalancesOut(Model):
    """Signed fen, debit +, credit −; they always add up to 0."""

    provider_clearing_fen: int
    deposits_held_fen: int
    refunds_in_transit_fen: int
    forfeited_income_fen: int
    offline_settlements_fen: int


@router.get("")
async def balances(session: SessionDep, camp_id: Annotated[Id | None, Query()] = None) -> Answer[BalancesOut]:
    """Of all camps, or of one."""
    found = await service.balances(session, camp_id=camp_id)
    return answer(BalancesOut.model_validate({f"{account.value}_fen": fen for account, fen in found.items()}))
