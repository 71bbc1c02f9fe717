"""Every action of product requirements §3.12, and the act at the console that writes it."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import select

from backend.core.db import Database
from backend.desk.reports import audit_words
from backend.models.audit import AuditEntry
from backend.models.camps import Camp, CampStatus
from backend.models.members import MatchStatus, Member
from backend.models.planets import Planet
from backend.models.refunds import Refund, RefundStatus
from backend.models.staff import StaffRole
from backend.models.uploads import UploadKind
from backend.runtime import Runtime
from tests.api.admin.test_camps import DRAFT, whole
from tests.api.desk import Desk
from tests.factories import (
    PASSWORD,
    make_camp,
    make_member,
    make_payment,
    make_planet,
    make_planet_user,
    make_staff,
    make_upload,
)
from tests.money.refunds.facts import ended_camp, refund_in
from tests.money.refunds.test_refund_lists import settled_camp

LISTED = {
    "camp.create", "camp.update", "camp.delete", "camp.publish", "camp.withdraw", "camp.settle", "camp.archive",
    "camp.qr.replace", "camp.staff.change", "camp.amnesty",
    "member.match", "member.unmatch", "member.close", "member.join", "member.unjoin", "member.grant",
    "refund.generate", "refund.approve", "refund.reject", "refund.reopen", "refund.retry", "refund.mark_offline",
    "refund.extra",
    "checkin.sync", "checkin.import", "planet.import",
    "export.members", "export.refunds", "export.checkins", "export.matching", "export.settlement", "export.logs",
    "config.update", "config.test",
    "user.create", "user.update", "user.disable", "user.delete", "user.reset_password",
    "auth.login", "auth.login_failed", "auth.logout", "auth.password_change",
    "notice.resend",
}  # fmt: skip
# Written, and tested, with the settings and the notices.
ELSEWHERE = {"config.update", "config.test", "notice.resend"}
NEW_USER = {"username": "xiaochen", "display_name": "小陈", "role": "coach", "password": "secret-pass-1"}
SECRETS = (NEW_USER["password"], PASSWORD, "other-pass-2", "zsxq-secret-token")


class Scene:
    """A super_admin at the desk, and rows to act on."""

    def __init__(self, admin: Desk, db: Database, runtime: Runtime) -> None:
        self.admin, self.db, self.runtime = admin, db, runtime

    async def post(self, path: str, **options: Any) -> Any:
        return await self.admin.ok("POST", path, **options)

    async def put(self, path: str, body: Any) -> Any:
        return await self.admin.ok("PUT", path, json=body)

    async def export(self, path: str) -> None:
        response = await self.admin.call("GET", f"{path}?format=csv")
        assert response.status_code == 200, response.text

    async def made(self, make: Callable[..., Awaitable[Any]], *arguments: Any, **fields: Any) -> Any:
        async with self.db.transaction() as session:
            return await make(session, *arguments, **fields)

    async def camp(self, **fields: Any) -> Camp:
        camp: Camp = await self.made(make_camp, **fields)
        return camp

    async def member(self, **fields: Any) -> Member:
        """With a person on the planet that it may be matched to: user id 900."""
        planet: Planet = await self.made(make_planet)
        await self.made(make_planet_user, planet, user_id="900", name="小林", number="101")
        member: Member = await self.made(make_member, await self.camp(planet_id=planet.id), **fields)
        return member

    async def refund(self, status: RefundStatus = RefundStatus.PENDING_REVIEW) -> str:
        refund: Refund = await self.made(refund_in, status, code="balance_not_enough")
        return f"/refunds/{refund.id}"

    async def user(self) -> str:
        return f"/users/{(await self.post('/users', json=NEW_USER))['id']}"

    async def log_in(self, password: str) -> Any:
        body = {"username": self.admin.staff.username, "password": password}
        return await self.admin.client.post("/api/admin/auth/login", json=body)

    async def import_sheet(self, path: str, sheet: str) -> None:
        await self.post(path, files={"file": ("表.csv", sheet.encode())}, data={"mode": "apply"})


Act = Callable[[Scene], Awaitable[Any]]
ACTS: dict[str, Act] = {}


def writes(action: str) -> Callable[[Act], Act]:
    def register(act: Act) -> Act:
        ACTS[action] = act
        return act

    return register


@writes("camp.create")
async def create_camp(scene: Scene) -> None:
    await scene.post("/camps", json=DRAFT)


@writes("camp.update")
async def update_camp(scene: Scene) -> None:
    camp = await scene.post("/camps", json=DRAFT)
    await scene.put(f"/camps/{camp['id']}", DRAFT | {"capacity": 20})


@writes("camp.delete")
async def delete_camp(scene: Scene) -> None:
    camp = await scene.post("/camps", json=DRAFT)
    await scene.admin.ok("DELETE", f"/camps/{camp['id']}")


@writes("camp.publish")
async def publish_camp(scene: Scene) -> None:
    camp = await scene.post("/camps", json=await whole(scene.db))
    await scene.post(f"/camps/{camp['id']}/publish")


@writes("camp.withdraw")
async def withdraw_camp(scene: Scene) -> None:
    await scene.post(f"/camps/{(await scene.camp()).id}/withdraw")


@writes("camp.qr.replace")
async def replace_qr(scene: Scene) -> None:
    camp = await scene.post("/camps", json=DRAFT)
    upload = await scene.made(make_upload, UploadKind.GROUP_QR)
    await scene.put(f"/camps/{camp['id']}", DRAFT | {"group_qr_key": upload.key})


@writes("camp.staff.change")
async def change_camp_staff(scene: Scene) -> None:
    coach = await scene.made(make_staff, StaffRole.COACH)
    await scene.put(f"/users/{coach.id}", {"camp_ids": [str((await scene.camp()).id)]})


@writes("camp.settle")
async def settle_camp(scene: Scene) -> None:
    await scene.post(f"/camps/{(await scene.made(settled_camp)).id}/settle")


@writes("camp.archive")
async def archive_camp(scene: Scene) -> None:
    await scene.post(f"/camps/{(await scene.camp(status=CampStatus.SETTLING)).id}/archive")


@writes("member.match")
async def match_member(scene: Scene) -> None:
    await scene.post(f"/members/{(await scene.member()).id}/match", json={"planet_user_id": "900"})


@writes("member.unmatch")
async def unmatch_member(scene: Scene) -> None:
    member = await scene.member()
    await scene.post(f"/members/{member.id}/match", json={"planet_user_id": "900"})
    await scene.post(f"/members/{member.id}/unmatch", json={"reason": "认错人"})


@writes("member.close")
async def close_member(scene: Scene) -> None:
    member = await scene.member(status=MatchStatus.UNMATCHED)
    await scene.post(f"/members/{member.id}/close-match", json={"reason": "查无此人"})


@writes("member.join")
async def join_member(scene: Scene) -> None:
    await scene.post(f"/members/{(await scene.member()).id}/joined", json={"joined": True})


@writes("member.unjoin")
async def unjoin_member(scene: Scene) -> None:
    member = await scene.member(joined=True)
    await scene.post(f"/members/{member.id}/joined", json={"joined": False})


@writes("member.grant")
async def grant_a_day(scene: Scene) -> None:
    member: Member = await scene.made(make_member, await scene.made(ended_camp))
    await scene.post(f"/members/{member.id}/grants", json={"days": ["2026-02-16"], "reason": "现场分享"})


@writes("camp.amnesty")
async def grant_an_amnesty(scene: Scene) -> None:
    camp: Camp = await scene.made(ended_camp)
    await scene.post(f"/camps/{camp.id}/amnesties", json={"day": "2026-02-16", "reason": "平台故障"})


@writes("refund.generate")
async def generate_refunds(scene: Scene) -> None:
    await scene.post(f"/camps/{(await scene.made(settled_camp)).id}/refunds")


@writes("refund.approve")
async def approve_refund(scene: Scene) -> None:
    await scene.post(f"{await scene.refund()}/approve")


@writes("refund.reject")
async def reject_refund(scene: Scene) -> None:
    await scene.post(f"{await scene.refund()}/reject", json={"reason": "打卡未达标"})


@writes("refund.reopen")
async def reopen_refund(scene: Scene) -> None:
    await scene.post(f"{await scene.refund(RefundStatus.REJECTED)}/reopen", json={"reason": "补交证明"})


@writes("refund.retry")
async def retry_refund(scene: Scene) -> None:
    await scene.post(f"{await scene.refund(RefundStatus.FAILED)}/retry")


@writes("refund.mark_offline")
async def settle_refund_offline(scene: Scene) -> None:
    await scene.post(f"{await scene.refund(RefundStatus.FAILED)}/settle-offline", json={"note": "银行转账"})


@writes("refund.extra")
async def ask_for_extra_refund(scene: Scene) -> None:
    payment = await scene.made(make_payment, await scene.camp(), paid=True)
    body = {"payment_id": str(payment.id), "amount_fen": 100, "kind": "exception", "reason": "投诉"}
    await scene.post("/refunds", json=body)


@writes("checkin.sync")
async def sync_checkins(scene: Scene) -> None:
    planet = await scene.made(make_planet, scene.runtime.secrets, token="zsxq-secret-token")
    camp = await scene.camp(planet_id=planet.id, checkin_id="1", status=CampStatus.ONGOING)
    await scene.post(f"/camps/{camp.id}/sync")


@writes("checkin.import")
async def import_checkins(scene: Scene) -> None:
    planet = await scene.made(make_planet)
    await scene.made(make_planet_user, planet, name="小林", number="101")
    camp = await scene.made(ended_camp, planet_id=planet.id)
    await scene.import_sheet(f"/camps/{camp.id}/checkins/import", "星球编号,打卡日期\n101,2026-02-10\n")


@writes("planet.import")
async def import_planet_members(scene: Scene) -> None:
    planet = await scene.made(make_planet)
    await scene.import_sheet(f"/planets/{planet.id}/members/import", "成员编号,用户昵称\n101,小林\n")


@writes("user.create")
async def create_user(scene: Scene) -> None:
    await scene.user()


@writes("user.update")
async def update_user(scene: Scene) -> None:
    await scene.put(await scene.user(), {"display_name": "陈老师"})


@writes("user.disable")
async def disable_user(scene: Scene) -> None:
    await scene.put(await scene.user(), {"active": False})


@writes("user.delete")
async def delete_user(scene: Scene) -> None:
    await scene.admin.ok("DELETE", await scene.user())


@writes("user.reset_password")
async def reset_password(scene: Scene) -> None:
    await scene.post(f"{await scene.user()}/reset-password")


@writes("auth.login")
async def log_in(scene: Scene) -> None:
    assert (await scene.log_in(PASSWORD)).status_code == 200


@writes("auth.login_failed")
async def fail_to_log_in(scene: Scene) -> None:
    assert (await scene.log_in("other-pass-2")).status_code == 401


@writes("auth.logout")
async def log_out(scene: Scene) -> None:
    await scene.post("/auth/logout")


@writes("auth.password_change")
async def change_password(scene: Scene) -> None:
    await scene.post("/auth/password", json={"old_password": PASSWORD, "new_password": "other-pass-2"})


@writes("export.members")
async def export_members(scene: Scene) -> None:
    await scene.export("/members/export")


@writes("export.refunds")
async def export_refunds(scene: Scene) -> None:
    await scene.export("/refunds/export")


@writes("export.checkins")
async def export_checkins(scene: Scene) -> None:
    await scene.export(f"/camps/{(await scene.camp()).id}/checkins/export")


@writes("export.matching")
async def export_matching(scene: Scene) -> None:
    await scene.export("/matching/export")


@writes("export.settlement")
async def export_settlement(scene: Scene) -> None:
    await scene.export(f"/camps/{(await scene.camp()).id}/settlement/export")


@writes("export.logs")
async def export_logs(scene: Scene) -> None:
    await scene.export("/logs/export")


def test_every_listed_action_has_its_act_and_its_words() -> None:
    assert set(ACTS) | ELSEWHERE == LISTED
    assert set(audit_words.ACTIONS) >= LISTED


@pytest.mark.parametrize("action", sorted(ACTS))
async def test_the_act_writes_it(action: str, admin: Desk, db: Database, runtime: Runtime) -> None:
    """Who, from where and about what, and no secret in it."""
    await ACTS[action](Scene(admin, db, runtime))
    async with db.transaction() as session:
        rows = (await session.scalars(select(AuditEntry))).all()
    (row,) = (row for row in rows if row.action == action)
    assert row.actor_kind == "staff"
    assert row.actor_name == admin.staff.username
    assert row.ip == "203.0.113.9"
    assert row.target_type in audit_words.TARGETS
    assert isinstance(row.target_id, uuid.UUID) or action.startswith(("export.", "auth.login_failed"))
    told = str([(row.before, row.after, row.note, row.error) for row in rows])
    assert not [secret for secret in SECRETS if secret in told]
    assert not [field for field in [*(row.before or {}), *(row.after or {})] if field not in audit_words.FIELDS]
