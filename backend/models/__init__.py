"""The tables. Importing this package registers all of them in ``Base.metadata``."""

from backend.models.audit import AuditEntry, AuditHead
from backend.models.base import Base
from backend.models.camps import Camp, CampStaff
from backend.models.checkins import Checkin, CheckinTotal, SyncRun
from backend.models.grants import DayGrant
from backend.models.history import StateChange
from backend.models.imports import Import, ImportedTotal, PlanetMember
from backend.models.inbox import InboxEvent
from backend.models.jobs import JobRun
from backend.models.ledger import LedgerEntry, LedgerTransaction
from backend.models.members import Member
from backend.models.notifications import NoticeScene, Notification, SendSlot
from backend.models.payers import OAuthState, Payer
from backend.models.payments import Payment
from backend.models.planets import Planet, PlanetUser
from backend.models.reconciliation import ReconciliationCase, ReconciliationDay
from backend.models.refunds import Refund, RefundHold
from backend.models.settings import SettingsCheck, SettingsGroup
from backend.models.staff import LoginGuard, Staff, StaffSession
from backend.models.uploads import Upload

__all__ = [
    "AuditEntry",
    "AuditHead",
    "Base",
    "Camp",
    "CampStaff",
    "Checkin",
    "CheckinTotal",
    "DayGrant",
    "Import",
    "ImportedTotal",
    "InboxEvent",
    "JobRun",
    "LedgerEntry",
    "LedgerTransaction",
    "LoginGuard",
    "Member",
    "NoticeScene",
    "Notification",
    "OAuthState",
    "Payer",
    "Payment",
    "Planet",
    "PlanetMember",
    "PlanetUser",
    "ReconciliationCase",
    "ReconciliationDay",
    "Refund",
    "RefundHold",
    "SendSlot",
    "SettingsCheck",
    "SettingsGroup",
    "Staff",
    "StaffSession",
    "StateChange",
    "SyncRun",
    "Upload",
]
