"""The member's API."""

from fastapi import APIRouter

router = APIRouter(prefix="/h5")
