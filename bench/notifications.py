"""Payment notifications, end to end, beside the least work that could do the same.

Product: a POST through the whole application. Floor: the same verification and decryption, and then the very
statements that the product had sent for that notification, with their values, over bare asyncpg in one transaction,
on a twin of the product's database.
"""

import base64
import json
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import asyncpg
import httpx
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.app import create_app
from backend.core.config import Settings
from backend.gateways.wechat_pay import OrderRequest, WeChatPay
from backend.money.payments.flows import NOTIFY_PATH
from backend.runtime import open_runtime
from bench import seed
from bench.measure import Times
from bench.replay import Call, Recorder, replay
from bench.report import Line, Result, milliseconds, per_second
from bench.servers import Servers, connect, contents
from tests import factories
from tests.world import PUBLIC_URL, World, make_world


@dataclass(frozen=True, slots=True)
class Letter:
    """A notification as it comes over the wire."""

    headers: dict[str, str]
    body: bytes


class _Mailbox:
    """An application that keeps the notifications it gets."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        wanted = ("content-type", "wechatpay-")
        headers = {name: value for name, value in request.headers.items() if name.startswith(wanted)}
        self.letters.append(Letter(headers, await request.body()))
        await Response(status_code=204)(scope, receive, send)


@dataclass(frozen=True, slots=True)
class _Floor:
    """Hand-written: the least that must be computed for a notification."""

    key: RSAPublicKey
    cipher: AESGCM

    async def handle(self, connection: asyncpg.Connection, work: tuple[Letter, list[Call]]) -> None:
        letter, calls = work
        self._open(letter)
        await replay(connection, calls)

    def _open(self, letter: Letter) -> Any:
        stamp = letter.headers
        signed = f"{stamp['wechatpay-timestamp']}\n{stamp['wechatpay-nonce']}\n".encode() + letter.body + b"\n"
        self.key.verify(base64.b64decode(stamp["wechatpay-signature"]), signed, PKCS1v15(), SHA256())
        sealed = json.loads(letter.body)["resource"]
        plain = self.cipher.decrypt(
            sealed["nonce"].encode(), base64.b64decode(sealed["ciphertext"]), sealed["associated_data"].encode()
        )
        return json.loads(plain)


def _floor(settings: Settings) -> _Floor:
    path = settings.wechat_pay.public_key_path
    key = load_pem_public_key(path.read_bytes()) if path is not None else None
    assert isinstance(key, RSAPublicKey)
    return _Floor(key, AESGCM(settings.wechat_pay.apiv3_key.get_secret_value().encode()))


@dataclass(frozen=True, slots=True)
class _Measured:
    """One after the other, and several at once; ``harness`` is the HTTP client with an empty application."""

    product: Times = field(default_factory=Times)
    floor: Times = field(default_factory=Times)
    product_at_once: Times = field(default_factory=Times)
    floor_at_once: Times = field(default_factory=Times)
    harness: Times = field(default_factory=Times)


async def run(servers: Servers, *, per_round: int = 40, rounds: int = 4, at_once: int = 8) -> Result:
    """``rounds`` × ``per_round`` notifications one after the other, and as many again ``at_once``."""
    world = make_world(servers.directory / uuid.uuid4().hex)
    source = await servers.databases.copy()
    letters = await _letters(servers, source, world, count=2 * per_round * (rounds + 1))
    product_url, floor_url = await servers.databases.copy(source), await servers.databases.copy(source)
    settings = world.settings.model_copy(update={"database_url": product_url, "redis_url": servers.redis_url})
    measured = _Measured()
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(open_runtime(settings))
        recorder = Recorder(runtime.db.engine)
        client = await stack.enter_async_context(_client(create_app(settings, runtime)))
        empty = await stack.enter_async_context(_client(Response(status_code=204)))
        connections = [await connect(floor_url) for _ in range(at_once)]
        for connection in connections:
            stack.push_async_callback(connection.close)
        floor = _floor(settings)
        posts = [partial(_post, client)] * at_once
        replays = [partial(floor.handle, connection) for connection in connections]
        batches = _batches(letters, per_round)
        for number in range(rounds + 1):
            # The first round only warms everything up.
            now = measured if number else _Measured()
            await now.harness.add(letters[:per_round], [partial(_post, empty)])
            for lanes, product, bare in (
                (1, now.product, now.floor),
                (at_once, now.product_at_once, now.floor_at_once),
            ):
                batch = next(batches)
                await product.add(batch, posts[:lanes])
                await bare.add(_replayed(batch, recorder), replays[:lanes])
    await _check(product_url, floor_url, len(letters))
    return _result(measured, at_once)


def _client(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=PUBLIC_URL)


def _batches(letters: Sequence[Letter], size: int) -> Iterator[Sequence[Letter]]:
    return (letters[start : start + size] for start in range(0, len(letters), size))


async def _post(client: httpx.AsyncClient, letter: Letter) -> None:
    answer = await client.post(NOTIFY_PATH, content=letter.body, headers=letter.headers)
    if answer.status_code != 204:
        raise RuntimeError(f"a notification was answered with {answer.status_code}")


def _replayed(batch: Sequence[Letter], recorder: Recorder) -> list[tuple[Letter, list[Call]]]:
    transactions = recorder.take()
    if len(transactions) != len(batch):
        raise RuntimeError(f"{len(batch)} notifications made {len(transactions)} transactions; one each was expected")
    return list(zip(batch, transactions, strict=True))


async def _letters(servers: Servers, database_url: str, world: World, *, count: int) -> list[Letter]:
    """``count`` open orders of one camp, paid at the simulator: what it then sends."""
    mailbox = _Mailbox()
    world.connect(mailbox)
    orders = []
    async with servers.open(database_url) as db:
        async with db.transaction() as session:
            camp = await factories.make_camp(session)
            assert camp.planet_id is not None
            await seed.add_people(session, camp.planet_id, count)
            for number in range(count):
                payer = await factories.make_payer(session, openid=f"o-bench-{number}")
                payment = await factories.make_payment(
                    session, camp, payer, planet_number=str(number + 1), planet_nickname=f"学员 {number + 1}"
                )
                order = OrderRequest(
                    channel="jsapi",
                    out_trade_no=payment.out_trade_no,
                    description=payment.description,
                    amount_fen=payment.amount_fen,
                    expires_at=payment.expires_at,
                    notify_url=f"{PUBLIC_URL}{NOTIFY_PATH}",
                    openid=payer.openid,
                )
                orders.append(order)
        await seed.analyze(db)
    await _pay(world, orders)
    if len(mailbox.letters) != count:
        raise RuntimeError(f"{len(mailbox.letters)} notifications came for {count} payments")
    return mailbox.letters


async def _pay(world: World, orders: Sequence[OrderRequest]) -> None:
    gateway = WeChatPay(world.settings.wechat_pay, transport=world.transport)
    try:
        for order in orders:
            await gateway.create_order(order)
            world.sandbox.wechat_pay.pay(order.out_trade_no)
            await world.sandbox.wechat_pay.deliver_due()
    finally:
        await gateway.aclose()


async def _check(product_url: str, floor_url: str, count: int) -> None:
    """Both sides must have done all the work, else the times mean nothing."""
    product = await contents(product_url)
    if product["members"][0] != count or product["inbox_events"][0] != count:
        raise RuntimeError(f"the product did not enrol all {count} payers")
    floor = await contents(floor_url)
    different = [table for table, state in product.items() if floor[table] != state]
    if different:
        raise RuntimeError(f"the replay left something else in {', '.join(different)}")


def _result(measured: _Measured, at_once: int) -> Result:
    lines = []
    for name, product, floor in (
        ("one after the other", measured.product, measured.floor),
        (f"{at_once} at once", measured.product_at_once, measured.floor_at_once),
    ):
        lines += [
            Line(
                f"{name}, {label}",
                milliseconds(getattr(product, label)),
                milliseconds(getattr(floor, label)),
                getattr(product, label) / getattr(floor, label),
            )
            for label in ("median", "p95")
        ]
        rate = floor.per_second / product.per_second
        lines.append(Line(f"{name}, notifications", per_second(product.per_second), per_second(floor.per_second), rate))
    number = len(measured.product.each)
    notes = (
        "Product: POST through the whole application (in one process, with its log, queue and 10 connections).",
        "Floor: the same signature check and decryption, then the statements the product had just sent, with the same "
        "values, over bare asyncpg in one transaction on a twin of its database.",
        f"{number} distinct orders of one camp one after the other and {number} more {at_once} at once: all wait for "
        "the camp's row, which guards its places.",
        f"Of the product's time {milliseconds(measured.harness.median)} is the benchmark's own HTTP client, "
        "measured with an empty application.",
    )
    return Result("Payment notification, end to end", "floor", lines, notes)
