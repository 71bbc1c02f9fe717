"""HTTP clients of the demo: staff console, member's browser, and the sandbox's control API."""

import asyncio
import ssl
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from backend.demo.processes import DemoError

Json = dict[str, Any]


class Refused(Exception):
    """An error response of the API. ``code`` is the stable error code."""

    def __init__(self, status: int, code: str, message: str, data: Any) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.data = status, code, message, data


def _data(response: httpx.Response) -> Any:
    body = response.json()
    if response.status_code >= 400:
        raise Refused(response.status_code, body["code"], body["message"], body["data"])
    return body["data"]


class Admin:
    """Client of the admin API, as one staff account."""

    def __init__(self, base_url: str, username: str, password: str, *, verify: ssl.SSLContext | bool = True) -> None:
        address = f"{base_url}/api/admin"
        self._http = httpx.AsyncClient(base_url=address, timeout=60, trust_env=False, verify=verify)
        self._login = {"username": username, "password": password}
        self.token = ""

    async def log_in(self) -> None:
        """Get a new token. Tokens expire after 24 hours, so call this after each clock change."""
        found = _data(await self._http.post("/auth/login", json=self._login))
        self.token = str(found["access_token"])
        self._http.headers["Authorization"] = f"Bearer {self.token}"

    async def get(self, path: str, **query: Any) -> Any:
        return _data(await self._http.get(path, params=query))

    async def post(self, path: str, body: Json | None = None) -> Any:
        return _data(await self._http.post(path, json=body or {}))

    async def put(self, path: str, body: Json) -> Any:
        return _data(await self._http.put(path, json=body))

    async def delete(self, path: str) -> Any:
        return _data(await self._http.delete(path))

    async def upload(self, kind: str, png: bytes) -> str:
        files = {"file": ("picture.png", png, "image/png")}
        found = _data(await self._http.post("/uploads", data={"kind": kind}, files=files))
        return str(found["key"])

    async def all(self, path: str, **query: Any) -> list[Json]:
        """Return all rows of a paged list."""
        rows: list[Json] = []
        while True:
            page = await self.get(path, page=len(rows) // 200 + 1, page_size=200, **query)
            rows += page["items"]
            if len(rows) >= page["total"] or not page["items"]:
                return rows

    async def run_job(self, name: str) -> Json:
        """Run a scheduled job on the worker and return its summary.

        Raises DemoError if the job fails, is unknown or takes more than a minute.
        """
        before = await self._last_run(name)
        await self.post(f"/jobs/{name}/run")
        for _ in range(1200):
            run = await self._last_run(name)
            if run and run["finished_at"] and (not before or run["id"] != before["id"]):
                if not run["ok"]:
                    raise DemoError(f"job {name} failed: {run['error']}")
                return dict(run["summary"] or {})
            await asyncio.sleep(0.05)
        raise DemoError(f"job {name} didn't end within a minute")

    async def _last_run(self, name: str) -> Json | None:
        for job in await self.get("/jobs"):
            if job["name"] == name:
                found: Json | None = job["last_run"]
                return found
        raise DemoError(f"no job is called {name}")

    async def aclose(self) -> None:
        await self._http.aclose()


class Phone:
    """One person's browser: inside WeChat if ``openid`` is given, else a guest."""

    def __init__(self, http: httpx.AsyncClient, openid: str | None = None) -> None:
        self._http = http
        self._openid = openid
        self._headers: dict[str, str] = {}

    async def log_in(self) -> None:
        if self._openid is None:
            token = _data(await self._http.post("/api/h5/auth/guest"))["token"]
        else:
            token = await self._through_wechat(self._openid)
        self._headers = {"Authorization": f"Bearer {token}"}

    async def _through_wechat(self, openid: str) -> str:
        """Follow the redirects like a browser, with the cookie that binds the log-in to it. Return the token."""
        start = await self._http.get("/api/h5/auth/wechat", params={"return_to": "/"})
        cookie = start.headers["set-cookie"].split(";")[0]
        page = await self._http.get(
            start.headers["location"].split("#")[0], headers={"Cookie": f"sandbox_openid={openid}"}
        )
        query = parse_qs(urlsplit(page.headers["location"]).query)
        body = {"code": query["code"][0], "state": query["state"][0]}
        found = _data(await self._http.post("/api/h5/auth/wechat", json=body, headers={"Cookie": cookie}))
        return str(found["token"])

    async def get(self, path: str, **query: Any) -> Any:
        return _data(await self._http.get(f"/api/h5{path}", params=query, headers=self._headers))

    async def post(self, path: str, body: Json) -> Any:
        return _data(await self._http.post(f"/api/h5{path}", json=body, headers=self._headers))


class SandboxKnobs:
    """Client of the sandbox's control API (books, people, faults) and cashier."""

    def __init__(self, base_url: str) -> None:
        self._http = httpx.AsyncClient(base_url=base_url, timeout=60, trust_env=False)

    async def get(self, system: str, path: str) -> Any:
        response = await self._http.get(f"/{system}/_control/{system}/{path}")
        return response.raise_for_status().json()

    async def post(self, system: str, path: str, body: Json | None = None) -> Any:
        response = await self._http.post(f"/{system}/_control/{system}/{path}", json=body or {})
        return response.raise_for_status().json()

    async def clear_faults(self, system: str) -> None:
        (await self._http.delete(f"/{system}/_control/{system}/faults")).raise_for_status()

    async def press_pay(self, out_trade_no: str, openid: str) -> None:
        """Pay on the cashier page. Raises DemoError if the cashier refuses."""
        response = await self._http.post(f"/wechat-pay/cashier/{out_trade_no}/pay", data={"openid": openid})
        if response.status_code != 303:
            raise DemoError(f"the cashier refused order {out_trade_no} with status {response.status_code}")

    async def aclose(self) -> None:
        await self._http.aclose()
