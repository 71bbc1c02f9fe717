"""The console's API: staff only, checked at each request."""

from fastapi import APIRouter

from backend.api.admin import (
    auth,
    camps,
    checkins,
    jobs,
    ledger,
    logs,
    matching,
    members,
    planets,
    reconciliation,
    refund_batches,
    refunds,
    settlement,
    sync_runs,
    uploads,
    users,
)

router = APIRouter(prefix="/admin")
for topic in (
    auth,
    camps,
    checkins,
    jobs,
    ledger,
    logs,
    matching,
    members,
    planets,
    reconciliation,
    refund_batches,
    refunds,
    settlement,
    sync_runs,
    uploads,
    users,
):
    router.include_router(topic.router)
