"""The console's API: staff only, checked at each request."""

from fastapi import APIRouter

from backend.api.admin import auth

router = APIRouter(prefix="/admin")
for topic in (auth,):
    router.include_router(topic.router)
