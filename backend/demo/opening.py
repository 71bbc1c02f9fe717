"""First part of the demo: planet, pictures, three camps, enrolment and payment."""

import asyncio
import datetime as dt
import io
import random
from functools import partial
from typing import Any

import segno
from PIL import Image, ImageDraw, ImageOps

from backend.core import clock
from backend.core.money import format_yuan
from backend.demo.clients import Json, Phone, Refused
from backend.demo.people import How, Person, fill_form, main_cast
from backend.demo.stage import Stage

TOTAL_DAYS = 7
REQUIRED_DAYS = 5
DEPOSIT_FEN = 19_900
TWIN_NAME = "小雨"
FIRST_PASSWORD = "first-login-1"  # noqa: S105 - of made-up people


async def open_planet(stage: Stage) -> None:
    """Create a planet with members in the sandbox, and connect it to the product."""
    stage.act("The planet and its people")
    group = await stage.sandbox.post("zsxq", "groups", {"name": "写作星球"})
    stage.books["group_id"] = group["group_id"]
    token = await stage.sandbox.post("zsxq", "tokens", {"group_id": group["group_id"]})
    stage.cast = main_cast(TOTAL_DAYS, REQUIRED_DAYS)
    await _join_planet(stage)
    planet = await stage.admin.post(
        "/planets",
        {"name": "写作星球", "group_id": group["group_id"], "cookie": f"zsxq_access_token={token['token']}; other=1"},
    )
    stage.planet_id = planet["id"]
    test = await stage.admin.post(f"/planets/{stage.planet_id}/test")
    stage.tell(f"{len(stage.cast)} people on the planet; connection test: {test['detail']}")


async def _join_planet(stage: Stage) -> None:
    on_planet = [person for person in stage.cast if person.how is not How.STRANGER]
    for number, person in enumerate(on_planet, start=101):
        person.number = number
        if person.how is How.TWIN:
            person.name = TWIN_NAME
    members = [{"name": person.name, "number": person.number} for person in on_planet]
    # A second member with the same nickname, and a member who never posts.
    others = [{"name": TWIN_NAME, "number": 501}, {"name": "潜水员", "number": 502}]
    body = {"group_id": stage.books["group_id"], "members": members + others}
    added = await stage.sandbox.post("zsxq", "members", body)
    for person, user_id in zip(on_planet, added["user_ids"], strict=False):
        person.user_id = user_id
    stage.books["other_user_ids"] = added["user_ids"][len(on_planet) :]
    dice = random.Random(7)  # noqa: S311 - a play, not a secret
    for person in stage.cast:
        fill_form(person, dice)


async def open_camps(stage: Stage) -> None:
    """Create three camps: one that runs to its end, one still running then, one still enrolling then."""
    stage.act("Three camps")
    today = clock.today()
    stage.first_day, stage.last_day = today + dt.timedelta(days=1), today + dt.timedelta(days=TOTAL_DAYS)
    coach = await add_staff(stage, "coach-li", "李教练", "coach")
    volunteer = await add_staff(stage, "volunteer-wang", "小王", "volunteer")
    pictures = {
        "poster_key": await stage.admin.upload("poster", poster()),
        "group_qr_key": await stage.admin.upload("group_qr", qr("https://example.com/group")),
    }
    people = {"coach_ids": [coach], "volunteer_ids": [volunteer]}
    camps = {
        "main": ("七天写作训练营", stage.first_day, stage.last_day, REQUIRED_DAYS, 300),
        "running": ("十四天阅读训练营", today + dt.timedelta(days=3), today + dt.timedelta(days=16), 10, 50),
        "enrolling": ("二十一天早起训练营", today + dt.timedelta(days=20), today + dt.timedelta(days=40), 15, 200),
    }
    for key, (name, starts_on, ends_on, required, capacity) in camps.items():
        camp = await open_camp(stage, name, starts_on, ends_on, required, capacity, pictures | people)
        stage.books[f"{key}_camp"] = camp
        stage.tell(f"{name}: {starts_on:%m-%d} to {ends_on:%m-%d}, {required} days needed, {camp['enroll_url']}")
    main = stage.books["main_camp"]
    stage.camp_id, stage.checkin_id = main["id"], main["checkin_id"]
    await _plan_posts(stage)


async def add_staff(stage: Stage, username: str, name: str, role: str) -> str:
    """Create a staff account and return its id."""
    body = {"username": username, "display_name": name, "role": role, "password": FIRST_PASSWORD}
    return str((await stage.admin.post("/users", body))["id"])


async def open_camp(
    stage: Stage, name: str, starts_on: dt.date, ends_on: dt.date, required: int, capacity: int, more: Json
) -> Json:
    """Create and publish a camp with its check-in project. Enrolment is open from now until the eve of the camp.

    ``more`` are further fields of the request. Returns the camp of the admin API, with its ``enroll_url``.
    """
    days = (ends_on - starts_on).days + 1
    project = {"title": name, "checkin_days": required, "text": f"打卡 {days} 天", "group_id": stage.books["group_id"]}
    checkin_id = (await stage.sandbox.post("zsxq", "projects", project))["checkin_id"]
    body: dict[str, Any] = {
        "name": name,
        "description": f"<p>坚持 {required} 天，押金原路退回。</p>",
        "deposit_fen": DEPOSIT_FEN,
        "capacity": capacity,
        "enroll_opens_at": clock.shanghai(clock.now()).isoformat(),
        "enroll_closes_at": (clock.day_start(starts_on) - dt.timedelta(seconds=1)).isoformat(),
        "starts_on": starts_on.isoformat(),
        "ends_on": ends_on.isoformat(),
        "required_days": required,
        "planet_id": stage.planet_id,
        "checkin_id": checkin_id,
    } | more
    camp: Json = await stage.admin.post("/camps", body)
    camp = await stage.admin.post(f"/camps/{camp['id']}/publish")
    link = await stage.admin.get(f"/camps/{camp['id']}/enroll-url")
    return camp | {"enroll_url": link["url"]}


def poster() -> bytes:
    """Draw a poster (PNG)."""
    picture = Image.linear_gradient("L").resize((750, 1334))
    picture = ImageOps.colorize(picture, black="#2f6fd6", white="#ffe3c2")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((235, 520, 515, 800), fill="#fff6e3")
    for top, colour in ((760, "#8fb3dd"), (880, "#5a8ac6"), (1010, "#2f5f9f")):
        draw.ellipse((-400, top, 650, top + 1100), fill=colour)
        draw.ellipse((250, top + 60, 1200, top + 1160), fill=colour)
    return _png(picture)


def qr(text: str) -> bytes:
    """Draw a QR code (PNG)."""
    out = io.BytesIO()
    segno.make(text).save(out, kind="png", scale=8)
    return out.getvalue()


def _png(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


async def _plan_posts(stage: Stage) -> None:
    """Create all check-ins in advance. The sandbox shows a post only once the clock reaches its time."""
    dice = random.Random(11)  # noqa: S311 - a play, not a secret
    posts = []
    for person in stage.cast:
        for day in person.days if person.user_id else []:
            posts.append(
                {"user_id": person.user_id, "at": _moment(stage, person, day, dice), "text": f"第 {day} 天打卡"}
            )
            if dice.random() < 0.05:
                posts.append({"user_id": person.user_id, "at": _moment(stage, person, day, dice), "text": "补充一条"})
    # The other 小雨 posts too; the member who only reads never does.
    twin = stage.books["other_user_ids"][0]
    posts += [{"user_id": twin, "at": _at(stage, day, 8 * 60), "text": "打卡"} for day in (1, 2)]
    await stage.sandbox.post("zsxq", "posts", {"checkin_id": stage.checkin_id, "posts": posts})
    stage.books["posts"] = len(posts)


def _moment(stage: Stage, person: Person, day: int, dice: random.Random) -> str:
    if person.note == "23:58 on the last day" and day == TOTAL_DAYS:
        return _at(stage, day, 23 * 60 + 58)
    # Day 0 is the eve of the camp, after the enrolment.
    return _at(stage, day, dice.randint(12 * 60, 22 * 60) if day == 0 else dice.randint(6 * 60, 22 * 60))


def _at(stage: Stage, day: int, minutes: int) -> str:
    midnight = clock.day_start(stage.first_day + dt.timedelta(days=day - 1))
    return (midnight + dt.timedelta(minutes=minutes)).isoformat()


async def enrol(stage: Stage) -> None:
    """All members enrol and pay, including lost and repeated callbacks and a double payment."""
    stage.act("Members enrol and pay")
    special = {"pays twice", "lost callback", "five callbacks at once"}
    crowd = [person for person in stage.cast if person.note not in special]
    await stage.at_once([partial(_enrol_one, stage, person) for person in crowd])
    stage.tell(f"{len(crowd)} members paid {format_yuan(DEPOSIT_FEN)} yuan each on the sandbox's cashier")
    await _five_callbacks(stage)
    await _lost_callback(stage)
    await _double_payment(stage)
    await _other_camps(stage)
    await _renames(stage)
    again = await _try_again(stage, stage.cast[0])
    stage.tell(f"a second try of the same person is answered {again}")


async def _enrol_one(stage: Stage, person: Person, *, wait: bool = True) -> None:
    phone = Phone(stage.http, person.openid)
    await phone.log_in()
    person.payment_id = await _pay(stage, phone, person, stage.camp_id, wait=wait)


async def _pay(stage: Stage, phone: Phone, person: Person, camp_id: str, *, wait: bool = True) -> str:
    """Create an order and pay it. With ``wait``, wait until the API reports it as paid. Return the payment's id."""
    order = await phone.post("/payments", {"camp_id": camp_id, "channel": "jsapi"} | person.form)
    await phone.get(f"/payments/{order['payment_id']}/params")
    await stage.sandbox.press_pay(order["out_trade_no"], person.openid)
    if wait:
        await _confirmed(stage, phone, order["payment_id"])
    return str(order["payment_id"])


async def _confirmed(stage: Stage, phone: Phone, payment_id: str) -> None:
    async def paid() -> bool:
        return bool((await phone.get(f"/payments/{payment_id}"))["status"] == "paid")

    await stage.until("the payment's confirmation", paid)


async def _five_callbacks(stage: Stage) -> None:
    person = await stage.person("five callbacks at once")
    await stage.sandbox.post("wechat-pay", "faults", {"name": "notify_parallel", "value": 5})
    await _enrol_one(stage, person)
    stage.tell(f"{person.name}: the same callback arrived five times at once, credited once")


async def _lost_callback(stage: Stage) -> None:
    person = await stage.person("lost callback")
    await stage.sandbox.post("wechat-pay", "faults", {"name": "notify_drop"})
    await _enrol_one(stage, person, wait=False)
    phone = Phone(stage.http, person.openid)
    await phone.log_in()
    await asyncio.sleep(0.3)
    before = (await phone.get(f"/payments/{person.payment_id}"))["status"]
    await stage.go_to(clock.today(), f"{clock.shanghai(clock.now() + dt.timedelta(minutes=5)):%H:%M}")
    summary = await stage.admin.run_job("payment_backfill")
    after = (await phone.get(f"/payments/{person.payment_id}"))["status"]
    stage.tell(
        f"{person.name}: the callback got lost ({before}); the hourly job asked and filled it in ({after}) {summary}"
    )


async def _double_payment(stage: Stage) -> None:
    """One person pays two orders: one as a guest on a computer, one inside WeChat."""
    person = await stage.person("pays twice")
    guest, wechat = Phone(stage.http), Phone(stage.http, person.openid)
    await guest.log_in()
    await wechat.log_in()
    orders = []
    # Open both orders before paying either: a payment identifies the guest, and the second order would be refused.
    for phone, channel in ((guest, "native"), (wechat, "jsapi")):
        order = await phone.post("/payments", {"camp_id": stage.camp_id, "channel": channel} | person.form)
        await phone.get(f"/payments/{order['payment_id']}/params")
        orders.append((phone, order))
    for phone, order in orders:
        await stage.sandbox.press_pay(order["out_trade_no"], person.openid)
        await _confirmed(stage, phone, order["payment_id"])
    person.payment_id = orders[0][1]["payment_id"]
    waiting = await stage.refunds(kind="duplicate", status="pending_review")
    stage.tell(f"{person.name} paid twice: the second payment waits for review as an extra refund ({len(waiting)} row)")


async def _other_camps(stage: Stage) -> None:
    """Enrol people in the other two camps, and create one order that stays unpaid."""
    people = [person for person in stage.cast if person.how is How.NUMBER][20:32]
    camps = [("running", person) for person in people] + [("enrolling", person) for person in people[:6]]
    await stage.at_once([partial(_join_camp, stage, stage.books[f"{key}_camp"]["id"], person) for key, person in camps])
    await _post_in_running_camp(stage, people)
    idle = Phone(stage.http)
    await idle.log_in()
    form = {"planet_nickname": "犹豫的人", "planet_number": "999", "wechat_nickname": "再想想"}
    order = await idle.post("/payments", {"camp_id": stage.camp_id, "channel": "h5"} | form)
    stage.books["idle"] = (idle, order["payment_id"])
    stage.tell("12 people in the running camp, 6 in the enrolling one, and one order that nobody pays")


async def _join_camp(stage: Stage, camp_id: str, person: Person) -> None:
    phone = Phone(stage.http, person.openid)
    await phone.log_in()
    await _pay(stage, phone, person, camp_id)


async def _post_in_running_camp(stage: Stage, people: list[Person]) -> None:
    dice = random.Random(5)  # noqa: S311 - a play, not a secret
    # The running camp starts two days after the main camp; its members post at 09:00.
    posts = [
        {"user_id": person.user_id, "at": _at(stage, 3 + day, 9 * 60)}
        for person in people
        for day in range(dice.randint(2, 5))
    ]
    checkin_id = stage.books["running_camp"]["checkin_id"]
    await stage.sandbox.post("zsxq", "posts", {"checkin_id": checkin_id, "posts": posts})


async def _renames(stage: Stage) -> None:
    for person in stage.cast:
        if person.how is How.RENAMED:
            await stage.sandbox.post("zsxq", f"members/{person.user_id}/rename", {"name": f"改名后的{person.number}"})


async def _try_again(stage: Stage, person: Person) -> str:
    phone = Phone(stage.http, person.openid)
    await phone.log_in()
    try:
        await phone.post("/payments", {"camp_id": stage.camp_id, "channel": "jsapi"} | person.form)
    except Refused as refused:
        return refused.code
    return "ok"


async def expire_order(stage: Stage) -> None:
    """Move the clock by 40 minutes. The expiry job closes the unpaid order and frees its seat."""
    idle, payment_id = stage.books["idle"]
    later = clock.shanghai(clock.now() + dt.timedelta(minutes=40))
    await stage.go_to(later.date(), f"{later:%H:%M}")

    async def closed() -> bool:
        await stage.admin.run_job("order_expiry")
        return bool((await idle.get(f"/payments/{payment_id}"))["status"] == "closed")

    await stage.until("the order's expiry", closed)
    stage.tell("the order nobody paid is closed at the provider, its seat is free again")
