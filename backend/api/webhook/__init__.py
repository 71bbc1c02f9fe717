"""What outside systems tell us."""

from fastapi import APIRouter

from backend.api.webhook import wechat

router = APIRouter(prefix="/webhook")
router.include_router(wechat.router)
