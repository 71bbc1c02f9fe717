"""The member's API."""

from fastapi import APIRouter

from backend.api.h5 import auth, camps, payments, progress

router = APIRouter(prefix="/h5")
for topic in (auth, camps, payments, progress):
    router.include_router(topic.router)
