"""The running system behind the tests, and camps to play in.

Its clock goes forward only; each test has its own camp.
"""

import datetime as dt
import re
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import asyncpg
import httpx
from sqlalchemy.engine import make_url

from backend.core import clock
from backend.demo import opening, system
from backend.demo.clients import Admin, Json, Phone, Refused, SandboxKnobs
from backend.demo.processes import Processes
from backend.demo.stage import Stage
from tests.servers import Servers

Role = Literal["super_admin", "manager", "coach", "volunteer"]
NAMES: dict[Role, str] = {"super_admin": "超管", "manager": "运营", "coach": "教练", "volunteer": "志愿者"}


@dataclass
class Stand:
    """API, worker and sandbox, each a process. ``stage`` holds the hands of staff and the sandbox's knobs."""

    stage: Stage
    api_url: str
    sandbox_url: str
    database_url: str
    camp_fields: Json
    staff: list["Colleague"] = field(default_factory=list)

    async def colleague(self, role: Role) -> "Colleague":
        """Somebody of this role; the same person for all tests, so leave the account as it is."""
        for known in self.staff:
            if known.role == role and known.shared:
                return known
        return await self.new_colleague(role, shared=True)

    async def new_colleague(self, role: Role, *, first_login: bool = False, shared: bool = False) -> "Colleague":
        """A new account that has chosen its own password; ``first_login``: that is still to come."""
        username, password = f"{role}-{secrets.token_hex(4)}", opening.FIRST_PASSWORD
        name = f"{NAMES[role]}{username[-4:]}"
        staff_id = await opening.add_staff(self.stage, username, name, role)
        if not first_login:
            first = Admin(self.api_url, username, password)
            await first.log_in()
            password = f"own-{secrets.token_hex(6)}-1"
            await first.post("/auth/password", {"old_password": opening.FIRST_PASSWORD, "new_password": password})
            await first.aclose()
        client = Admin(self.api_url, username, password)
        self.staff.append(Colleague(staff_id, role, username, name, password, client, shared))
        return self.staff[-1]

    async def camp(self, name: str, *, days: int = 7, required: int = 5, starts_in: int = 1, **fields: Any) -> "Camp":
        """A published camp that enrols now and starts in some days. ``fields`` as the console sends them."""
        first = clock.today() + dt.timedelta(days=starts_in)
        last = first + dt.timedelta(days=days - 1)
        capacity = fields.pop("capacity", 50)
        # A picture of its own: after seven days it is shown no more, and the clock goes far.
        group_qr = {
            "group_qr_key": await self.stage.admin.upload("group_qr", opening.qr(f"https://example.com/{name}"))
        }
        fields = self.camp_fields | group_qr | fields
        row = await opening.open_camp(self.stage, name, first, last, required, capacity, fields)
        return Camp(self.stage, row["id"], row["name"], row["checkin_id"], first, last)

    async def person(self, name: str) -> "PlanetPerson":
        """Somebody on the planet, with a member number that nobody else has."""
        [person] = await self.people([name])
        return person

    async def people(self, names: Sequence[str]) -> list["PlanetPerson"]:
        """As many people on the planet."""
        members = [{"name": name, "number": secrets.randbelow(90_000_000) + 10_000_000} for name in names]
        wanted = {"group_id": self.stage.books["group_id"], "members": members}
        added = (await self.stage.sandbox.post("zsxq", "members", wanted))["user_ids"]
        return [
            PlanetPerson(user_id, str(one["name"]), str(one["number"]))
            for user_id, one in zip(added, members, strict=True)
        ]

    async def order(self, camp: "Camp", openid: str, *, nickname: str = "早起的鸟", number: str = "404404") -> "Order":
        """An order of somebody in WeChat, placed without a browser."""
        client = Phone(self.stage.http, openid)
        await client.log_in()
        form = {"planet_nickname": nickname, "planet_number": number, "wechat_nickname": "微信里的鸟"}
        order = await client.post("/payments", {"camp_id": camp.id, "channel": "jsapi"} | form)
        return Order(client, order["payment_id"], order["out_trade_no"])

    async def enrol(self, camp: "Camp", openid: str, person: "PlanetPerson | None" = None) -> str:
        """Order and pay without a browser, as this person of the planet or as nobody on it. Returns the member's id."""
        form = {"nickname": person.name, "number": person.number} if person else {}
        order = await self.order(camp, openid, **form)
        await order.client.get(f"/payments/{order.payment_id}/params")
        await self.stage.sandbox.press_pay(order.out_trade_no, openid)
        return await self.paid(order)

    async def paid(self, order: "Order") -> str:
        """Wait until the provider's word about a payment has arrived; returns the member's id."""
        found: Json = {}

        async def confirmed() -> bool:
            found.update(await order.client.get(f"/payments/{order.payment_id}"))
            return bool(found["status"] == "paid")

        await self.stage.until("the payment's confirmation", confirmed, seconds=15)
        return str(found["member_id"])

    @asynccontextmanager
    async def fault(self, name: str) -> AsyncIterator[None]:
        """Something that WeChat Pay does wrong once; undone also when the test fails before."""
        await self.stage.sandbox.post("wechat-pay", "faults", {"name": name})
        try:
            yield
        finally:
            await self.stage.sandbox.clear_faults("wechat-pay")

    async def scan(self, code_url: str, openid: str) -> None:
        """Pay as somebody who scans this code with WeChat."""
        orders = await self.stage.sandbox.get("wechat-pay", "orders")
        [scanned] = [order for order in orders if order["code_url"] == code_url]
        await self.stage.sandbox.press_pay(scanned["out_trade_no"], openid)

    async def oauth_code(self, openid: str) -> str:
        """What WeChat would hand out to this person after the log-in."""
        await self.stage.sandbox.post("oauth", "users", {"openid": openid})
        return str((await self.stage.sandbox.post("oauth", "codes", {"openid": openid}))["code"])

    async def approve(self, refund_id: str) -> None:
        """Approve a refund and wait until the money is back."""
        await self.stage.admin.post(f"/refunds/{refund_id}/approve")

        async def succeeded() -> bool:
            # The worker asks by itself when a refund takes longer than a minute.
            return bool((await self.stage.admin.get(f"/refunds/{refund_id}"))["status"] == "succeeded")

        await self.stage.until("the refund", succeeded, seconds=20)

    async def wait(self, *, minutes: int = 0, hours: int = 0, days: int = 0) -> None:
        """Let so much time go by for product and sandbox, and up to a minute more."""
        later = clock.shanghai(clock.now() + dt.timedelta(minutes=minutes + 1, hours=hours, days=days))
        await self.stage.go_to(later.date(), f"{later:%H:%M}")


@dataclass(frozen=True)
class Colleague:
    """A member of staff, and a client of the API for the same person; it is logged in by the desk."""

    id: str
    role: Role
    username: str
    name: str
    password: str
    client: Admin
    shared: bool

    async def is_logged_in(self) -> bool:
        """Whether the client's last log-in still holds."""
        try:
            await self.client.get("/auth/me")
        except Refused:
            return False
        return True


@dataclass(frozen=True)
class PlanetPerson:
    """``number`` is what members know of themselves, ``user_id`` what the planet's answers carry."""

    user_id: str
    name: str
    number: str


@dataclass(frozen=True)
class Order:
    """An order, and the client of the one who placed it."""

    client: Phone
    payment_id: str
    out_trade_no: str


@dataclass
class Camp:
    """One camp; days are counted from 1."""

    stage: Stage
    id: str
    name: str
    checkin_id: str
    first_day: dt.date
    last_day: dt.date

    def day(self, number: int) -> dt.date:
        return self.first_day + dt.timedelta(days=number - 1)

    async def posts(self, person: PlanetPerson, *days: int) -> None:
        """The person checks in at nine on these days; the planet shows it once the time has come."""
        await self.plan({person: days})

    async def plan(self, days_of: Mapping[PlanetPerson, Sequence[int]]) -> None:
        """The same of many, one a second."""
        nine = dt.time(9, tzinfo=clock.SHANGHAI)
        posts = [
            {
                "user_id": person.user_id,
                "at": (dt.datetime.combine(self.day(day), nine) + dt.timedelta(seconds=seconds)).isoformat(),
                "text": f"第 {day} 天打卡",
            }
            for seconds, (person, days) in enumerate(days_of.items())
            for day in days
        ]
        await self.stage.sandbox.post("zsxq", "posts", {"checkin_id": self.checkin_id, "posts": posts})

    async def go_to_day(self, number: int, wall_clock: str = "12:00") -> None:
        """The day after the last is the one on which the camp is over. Its state follows the date."""
        await self.stage.go_to(self.day(number), wall_clock)
        await self.stage.admin.run_job("camp_states")

    async def sync(self) -> None:
        """Read the check-ins now."""
        started = await self.stage.admin.post(f"/camps/{self.id}/sync")
        run: Json = {}

        async def over() -> bool:
            run.update(await self.stage.admin.get(f"/sync-runs/{started['sync_run_id']}"))
            return bool(run["status"] != "running")

        await self.stage.until("the sync", over, seconds=20)
        assert run["status"] == "complete", run

    async def end(self) -> list[Json]:
        """The night after the last day: the last sync, and the refund list; returns its rows."""
        total = (self.last_day - self.first_day).days + 1
        await self.go_to_day(total + 1, "01:10")
        await self.sync()
        await self.stage.admin.post(f"/camps/{self.id}/refunds")
        return await self.refunds()

    async def refunds(self) -> list[Json]:
        return await self.stage.admin.all("/refunds", camp_id=self.id)

    async def members(self) -> list[Json]:
        return await self.stage.admin.all("/members", camp_id=self.id)


@asynccontextmanager
async def running_stand(directory: Path, servers: Servers) -> AsyncIterator[Stand]:
    """Start the system on a database of its own, with a planet connected, and end it again."""
    clock_file = directory / "clock"
    clock_file.write_text(repr(system.seconds_to_morning()))
    password = f"browser-{secrets.token_hex(6)}-1"
    with ExitStack() as stack:
        processes = Processes(directory)
        stack.callback(processes.stop)
        database = await _database(servers.database_admin_url)
        addresses = {"CAMP_DATABASE_URL": database, "CAMP_REDIS_URL": _second_database(servers.redis_url)}
        # On this thread, and nothing else waits: children end with the thread that started them.
        api_url, sandbox_url = system.start(
            processes, directory, servers=addresses, clock_file=clock_file, password=password
        )
        clock.use_test_clock(clock_file)
        admin, sandbox = Admin(api_url, system.ADMIN, password), SandboxKnobs(sandbox_url)
        async with httpx.AsyncClient(base_url=api_url, timeout=60, trust_env=False) as http:
            stage = Stage(admin, sandbox, http, clock_file)
            stage.books["password"] = password
            await admin.log_in()
            camp_fields = {
                "poster_key": await admin.upload("poster", opening.poster()),
                "coach_ids": [await opening.add_staff(stage, "coach", "李教练", "coach")],
            }
            await _connect_planet(stage)
            stand = Stand(stage, api_url, sandbox_url, database, camp_fields)
            try:
                yield stand
            finally:
                for colleague in stand.staff:
                    await colleague.client.aclose()
                await admin.aclose()
                await sandbox.aclose()


async def _connect_planet(stage: Stage) -> None:
    group = await stage.sandbox.post("zsxq", "groups", {"name": "测试星球"})
    token = await stage.sandbox.post("zsxq", "tokens", {"group_id": group["group_id"], "seconds": 400 * 86_400})
    planet = await stage.admin.post(
        "/planets",
        {"name": "测试星球", "group_id": group["group_id"], "cookie": f"zsxq_access_token={token['token']}"},
    )
    stage.books["group_id"], stage.planet_id = group["group_id"], planet["id"]


async def _database(admin_url: str) -> str:
    """A new database; it ends with the servers, or is removed by the next run of a real server."""
    name = f"camp_browser_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(admin_url.replace("+asyncpg", ""))
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return make_url(admin_url).set(database=name).render_as_string(hide_password=False)


def _second_database(redis_url: str) -> str:
    """Not the one in which the other tests' workers look for jobs."""
    if redis_url.startswith("unix:"):
        return re.sub(r"\?db=\d+$", "?db=1", redis_url)
    return urlsplit(redis_url)._replace(path="/1").geturl()
