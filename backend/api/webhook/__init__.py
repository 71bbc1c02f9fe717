"""What outside systems tell us."""

from fastapi import APIRouter

router = APIRouter(prefix="/webhook")
