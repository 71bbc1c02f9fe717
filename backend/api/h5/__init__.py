"""The member's API."""

from fastapi import APIRouter

from backend.api.h5 import auth, camps, me, messages, payments, planet, progress, refunds

router = APIRouter(prefix="/h5")
for topic in (auth, camps, payments, me, progress, planet, refunds, messages):
    router.include_router(topic.router)
