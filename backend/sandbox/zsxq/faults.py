"""Injectable faults: a list of rules, each with the requests it hits, how often, and its effect.

:data:`CATALOGUE` describes the effects. Names, ``times``, ``value`` and the control API's rows are the same as in the
other simulators (``backend.sandbox.faults``). The conditions are additional, for tests of paged reading.
"""

import asyncio
import random
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from backend.core import clock

RANKING_PAGE_SIZE = 21
STICKY_SECONDS = 60.0

CATALOGUE = {
    "busy_1059": "繁忙：返回 1059 内部错误",
    "sticky_1059": "持续 1059：静默 value 秒（默认 60）后恢复，追打 limit 次后凭证失效",
    "http_429": "返回 429（Retry-After 为 value 秒）",
    "http_5xx": "返回 5xx（value 为状态码，默认 502）",
    "html_body": "返回网页而非 JSON",
    "slow": "延迟应答 value 秒，解除时立即应答",
    "drop": "执行后断开连接",
    "code": "返回业务错误码 value",
    "expire_token": "凭证当场失效",
    "empty_page": "列表为空",
    "repeat_page": "排行榜重复第一页",
    "shuffle_ties": "同天数成员每页随机排序",
    "rename_field": "字段 field 改名为 to",
    "extra_field": "每个对象多一个未知字段",
    "junk_row": "列表多一行无法识别的数据",
}
"""Name → Chinese label."""


class Fault(BaseModel):
    """One rule.

    It matches requests whose path ends with ``path`` (all if empty) and, for rankings, whose page is ``page``. It skips
    the first ``skip`` matches, then hits each ``every``-th with ``probability``. It ends after ``times`` hits (None:
    never).
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    path: str = ""
    page: int | None = Field(default=None, ge=1)
    skip: int = Field(default=0, ge=0)
    every: int = Field(default=1, ge=1)
    probability: float = Field(default=1.0, ge=0, le=1)
    times: int | None = Field(default=1, ge=1)
    value: float | None = Field(default=None, ge=0)
    text: str = "内部错误"
    field: str = ""
    to: str = ""
    limit: int = Field(default=20, ge=1)

    matched: int = 0
    hits: int = 0
    last_hit_at: float = 0.0

    @field_validator("name")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in CATALOGUE:
            raise ValueError("no such fault")
        return name

    def strikes(self, path: str, index: int | None, chance: random.Random) -> bool:
        """Whether the rule hits this request. Updates the counters."""
        if not path.endswith(self.path) or (self.page is not None and not self._is_page(index)):
            return False
        self.matched += 1
        if self.matched <= self.skip or (self.matched - self.skip) % self.every:
            return False
        if self.probability < 1 and chance.random() >= self.probability:
            return False
        if self.name == "sticky_1059" and self._has_cooled():
            self.times = self.hits
            return False
        self.hits += 1
        self.last_hit_at = clock.timestamp()
        return True

    def is_spent(self) -> bool:
        """Whether the rule has used up its hits."""
        return self.times is not None and self.hits >= self.times

    def _is_page(self, index: int | None) -> bool:
        return index is not None and self.page is not None and index == (self.page - 1) * RANKING_PAGE_SIZE

    def _has_cooled(self) -> bool:
        return self.hits > 0 and clock.timestamp() - self.last_hit_at >= (
            STICKY_SECONDS if self.value is None else self.value
        )


class Faults:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.rules: list[Fault] = []
        self._cleared = asyncio.Event()

    def set(self, name: str, **how: Any) -> Fault:
        """Add a rule, e.g. ``set("busy_1059", path="ranking_list", page=3, times=2)``.

        A ``sticky_1059`` rule ignores ``times``: it ends after a quiet period. Raises pydantic's ValidationError.
        """
        if name == "sticky_1059":
            how = {**how, "times": None}
        rule = Fault.model_validate({"name": name, **how})
        self.rules.append(rule)
        return rule

    def clear(self, name: str | None = None) -> None:
        """Remove the rules of one name, or all for None. Ends current waits."""
        self.rules = [rule for rule in self.rules if name is not None and rule.name != name]
        self._cleared.set()
        self._cleared = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Delay a response by ``seconds``, or until rules are cleared."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._cleared.wait(), seconds)

    def summary(self) -> list[dict[str, Any]]:
        """One row per name, from its first rule: ``{name, label, active, remaining, value}``."""
        rows = []
        for name, label in CATALOGUE.items():
            rule = next((rule for rule in self.rules if rule.name == name), None)
            remaining = rule.times - rule.hits if rule and rule.times else None
            value = rule.value if rule else None
            rows.append(
                {"name": name, "label": label, "active": rule is not None, "remaining": remaining, "value": value}
            )
        return rows

    def striking(self, path: str, index: int | None) -> list[Fault]:
        """Return the rules that hit this request, and remove used-up rules."""
        hit = [rule for rule in self.rules if rule.strikes(path, index, self._chance)]
        self.rules = [rule for rule in self.rules if not rule.is_spent()]
        return hit
