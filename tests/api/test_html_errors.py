"""What a person reads whom the API refuses, where no page of ours stands in between."""

from dataclasses import replace

import httpx

from backend.api.headers import SECURITY
from backend.app import create_app
from backend.core.config import WeChatOAuthSettings
from backend.runtime import Runtime

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
LOGIN = "/api/h5/auth/wechat"


async def test_a_browser_gets_a_page_with_the_same_words(runtime: Runtime) -> None:
    settings = runtime.settings.model_copy(update={"wechat_oauth": WeChatOAuthSettings()})
    app = create_app(settings, replace(runtime, settings=settings))
    transport = httpx.ASGITransport(app=app, client=("203.0.113.9", 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        program, person = await client.get(f"{LOGIN}/nothing"), await client.get(f"{LOGIN}/nothing", headers=BROWSER)
    assert program.json()["code"] == "not_found"
    assert person.status_code == program.status_code == 404
    assert person.headers["content-type"] == "text/html; charset=utf-8"
    assert program.json()["message"] in person.text
    assert "重试" in person.text
    assert person.headers["x-request-id"] in person.text
    assert {name: person.headers[name] for name in SECURITY} == SECURITY
    assert "script-src" not in person.headers["content-security-policy"]
    assert person.headers["cache-control"] == "no-store"
    assert int(person.headers["content-length"]) == len(person.content)


async def test_what_went_well_and_what_was_posted_stays_as_it_is(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/h5/camps", headers=BROWSER)).json()["code"] == "ok"
    assert (await client.get(LOGIN, headers=BROWSER)).status_code == 302
    assert (await client.post("/api/h5/auth/wechat", json={}, headers=BROWSER)).json()["code"] == "validation_error"
    assert (await client.get("/doc.html", headers=BROWSER)).status_code == 200
    ready = await client.get("/readyz", headers=BROWSER)
    assert ready.status_code in (200, 503)
