"""The console's API: staff only, checked at each request."""

from fastapi import APIRouter

from backend.api.admin import auth, camps, jobs, ledger, logs, planets, reconciliation, refunds, settlement, uploads, users

router = APIRouter(prefix="/admin")
for topic in (auth, camps, jobs, ledger, logs, planets, reconciliation, refunds, settlement, uploads, users):
    router.include_router(topic.router)
