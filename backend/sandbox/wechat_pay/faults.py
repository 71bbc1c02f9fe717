"""Faults of the WeChat Pay simulator, set by tests, the control API and the overview page."""

from dataclasses import dataclass
from typing import Any

# name -> Chinese label. `on` limits a fault to one operation, one kind of notification or one number.
CATALOGUE = {
    "refuse": "未执行即返回错误（数值为 HTTP 状态，默认 503）",
    "execute_then_refuse": "已执行但返回错误（数值为 HTTP 状态，默认 500）",
    "lose_request": "执行前断开连接",
    "lose_reply": "执行后断开连接",
    "slow": "执行后延迟应答（秒，默认 10）",
    "signtest_reply": "已执行，应答为探测签名",
    "unsigned_reply": "已执行，应答无签名",
    "close_loses_race": "关单瞬间会员已支付",
    "refund_closed": "退款最终关闭",
    "refund_abnormal": "退款最终异常",
    "loopback_ip_refused": "H5 下单拒绝 127.0.0.1",
    "notify_duplicate": "通知依次重复（份数，默认 2）",
    "notify_parallel": "通知同时重复（份数，默认 2）",
    "notify_delay": "通知延迟（秒，默认 60）",
    "notify_drop": "通知丢失",
    "notify_reorder": "通知晚于下一条到达",
    "notify_xml": "退款通知为 v2 XML",
    "notify_signtest": "通知先发探测签名",
    "notify_stale": "通知时间戳过期",
    "notify_unknown_serial": "通知证书序列号未知",
    "notify_tampered": "通知密文被篡改",
    "notify_wrong_aad": "通知附加数据不符",
    "notify_empty_aad": "通知附加数据为空",
    "notify_extra_fields": "通知含未知字段",
    "notify_new_id": "通知重发时更换 id",
    "notify_other_mchid": "通知商户号不符",
    "notify_other_appid": "通知 appid 不符",
    "notify_wrong_amount": "通知金额不符",
    "bill_omit_row": "账单漏记",
    "bill_wrong_amount": "账单金额不符",
    "bill_bad_hash": "账单摘要不符",
}


@dataclass(slots=True)
class Fault:
    """``remaining`` is None until cleared. ``value``: seconds, copies or a status. ``code``: error code to return."""

    remaining: int | None
    value: float | None
    on: str | None
    code: str | None

    def number(self, default: float) -> float:
        return default if self.value is None else self.value


class Faults:
    """The active faults, at most one per name."""

    def __init__(self) -> None:
        self._active: dict[str, Fault] = {}

    def set(
        self,
        name: str,
        *,
        times: int | None = 1,
        value: float | None = None,
        on: str | None = None,
        code: str | None = None,
    ) -> None:
        """Activate ``name`` for ``times`` uses (None: until cleared).

        ``on`` limits the fault to an API operation (``create_refund``), a notification kind (``payment``, ``refund``)
        or an order's number in a bill. Raises KeyError for an unknown name, ValueError for times < 1.
        """
        if name not in CATALOGUE:
            raise KeyError(name)
        if times is not None and times < 1:
            raise ValueError("times must be at least 1")
        self._active[name] = Fault(times, value, on, code)

    def take(self, name: str, on: str) -> Fault | None:
        """Return the fault if it is active for ``on``, and count it down; else None."""
        fault = self._active.get(name)
        if fault is None or fault.on not in (None, on):
            return None
        if fault.remaining is not None:
            fault.remaining -= 1
            if fault.remaining == 0:
                del self._active[name]
        return fault

    def clear(self, name: str | None = None) -> None:
        """Clear one fault, or all for None."""
        if name is None:
            self._active.clear()
        else:
            self._active.pop(name, None)

    def summary(self) -> list[dict[str, Any]]:
        """One row per fault: ``{name, label, active, remaining, value, on, code}``."""
        rows = []
        for name, label in CATALOGUE.items():
            fault = self._active.get(name)
            row: dict[str, Any] = {"name": name, "label": label, "active": fault is not None}
            for part in ("remaining", "value", "on", "code"):
                row[part] = getattr(fault, part) if fault else None
            rows.append(row)
        return rows
