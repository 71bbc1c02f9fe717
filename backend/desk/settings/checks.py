"""Testing connections for real, and mapping failures to the form fields that caused them.

Each test is harmless: it queries an order that doesn't exist, fetches a token, or writes and removes a small file.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from backend.core.config import Section, SettingsError, StorageSettings
from backend.core.ids import new_id
from backend.gateways.errors import GatewayError, Rejected
from backend.gateways.storage import Storage
from backend.runtime import RuntimeHolder

MOST_SECONDS = 8.0  # the page's timeout is ten seconds
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Check:
    """The result of a test. ``detail`` is Chinese; ``wrong`` maps fields that the provider rejected to messages."""

    ok: bool
    latency_ms: int
    endpoint: str
    detail: str
    wrong: dict[str, str] = field(default_factory=dict)


# By error code: the wrong field (None if there is none) and the message.
_Refusals = dict[str, tuple[str | None, str]]

_WECHAT_PAY: _Refusals = {
    "SIGN_ERROR": ("private_key", "微信支付拒绝了签名：商户号、证书序列号与商户私钥不匹配"),
    "PARAM_ERROR": ("mch_id", "微信支付不认识这个商户号"),
    "MCH_NOT_EXISTS": ("mch_id", "微信支付不认识这个商户号"),
    "NO_AUTH": (None, "商户没有开通接口权限"),
    "bad_signature": ("public_key", "微信支付的应答与填写的公钥不符"),
}
# In certificate mode a platform certificate must be fetched first. If that fails, the error's message holds the code.
_WECHAT_PAY_CERTIFICATES: _Refusals = {
    "SIGN_ERROR": _WECHAT_PAY["SIGN_ERROR"],
    "bad_answer": ("apiv3_key", "APIv3 密钥解不开微信支付的平台证书"),
    "RESOURCE_NOT_EXISTS": ("public_key_id", "该商户没有平台证书，请填写微信支付公钥与公钥 ID"),
}
_WECHAT_OAUTH: _Refusals = {
    "40013": ("app_id", "微信不认识这个 AppID"),
    "40125": ("app_secret", "AppSecret 不正确"),
    "40001": ("app_secret", "AppSecret 不正确"),
    "40164": (None, "本服务器的 IP 不在公众号的 IP 白名单中"),
}
_WECOM: _Refusals = {
    "40013": ("corp_id", "企业微信不认识这个企业 ID"),
    "40001": ("secret", "应用 Secret 不正确"),
    "60020": (None, "本服务器的 IP 不在应用的可信 IP 中"),
    "40056": ("agent_id", "企业微信不认识这个应用"),
    "81013": ("alert_user_ids", "告警接收人都收不到"),
    "93000": ("robot_key", "群机器人的 key 不正确，或机器人已被移除"),
}
_STORAGE: _Refusals = {
    "InvalidAccessKeyId": ("cos_secret_id", "腾讯云不认识这个 SecretId"),
    "SignatureDoesNotMatch": ("cos_secret_key", "SecretKey 不正确"),
    "NoSuchBucket": ("cos_bucket", "没有这个存储桶"),
    "AccessDenied": (None, "密钥没有读写该存储桶的权限"),
}


_AWAY = dict.fromkeys(
    ("no_connection", "unreachable", "connection_lost"), "无法连接，请检查网络与接口地址"
) | dict.fromkeys(("timeout", "no_answer"), "对方没有应答，请稍后再试")


async def try_connection(live: RuntimeHolder, group: str, section: Section, *, message: str | None = None) -> Check:
    """Test the given settings, saved or not. WeCom also sends ``message`` to staff. Failures don't raise."""
    kind = _KINDS[group]
    began = time.perf_counter()
    error: Exception | None = None
    detail = "已连接"
    try:
        async with asyncio.timeout(MOST_SECONDS), live.gateway(group, section) as gateway:
            detail = await kind.run(gateway, message)
    except (GatewayError, SettingsError, TimeoutError) as caught:
        error = caught
    latency_ms = round((time.perf_counter() - began) * 1000)
    if error is None:
        return Check(True, latency_ms, kind.endpoint(section), detail)
    name, text = _explained(kind, error)
    return Check(False, latency_ms, kind.endpoint(section), text[:_SHOWN], {name: text} if name else {})


def _explained(kind: "_Kind", error: Exception) -> tuple[str | None, str]:
    if isinstance(error, TimeoutError):
        return None, f"{MOST_SECONDS:.0f} 秒内没有应答"
    if not isinstance(error, GatewayError):
        return None, "密钥无法使用"
    if error.code == "not_configured":
        return None, "尚未配置"
    code, refusals = error.code, kind.refusals
    if code == "no_platform_certificate":
        code, refusals = error.message, _WECHAT_PAY_CERTIFICATES
    if code in refusals:
        return refusals[code]
    if isinstance(error, Rejected):
        return None, f"对方拒绝了请求（{code}）"
    return None, _AWAY.get(code, f"暂时无法连接（{code}）")


async def _probe(gateway: Any, _: str | None) -> str:
    await gateway.probe()
    return "已连接"


async def _probe_wechat_pay(gateway: Any, _: str | None) -> str:
    verified = await gateway.probe()
    return "已连接，签名与验签均通过" if verified else "已连接；微信支付公钥要等有交易之后才能验证"


async def _probe_wecom(gateway: Any, message: str | None) -> str:
    await gateway.probe()
    if message is None:
        return "已连接"
    unreached = await gateway.send_app_message(message)
    if gateway.robot_configured:
        await gateway.send_robot_text(message)
    sent = "已向告警接收人" + ("和告警群" if gateway.robot_configured else "") + "发送测试消息"
    return f"{sent}，收不到的账号：{'、'.join(unreached)}" if unreached else sent


async def _write_read_remove(storage: Storage, _: str | None) -> str:
    key, written = f"checks/{new_id().hex}.txt", b"camp deposit"
    await storage.put(key, written, "text/plain")
    try:
        read = await storage.get(key)
    finally:
        await storage.delete(key)
    if read != written:
        raise Rejected("storage", "other_content")
    return "写入、读取、删除均成功"


def _storage_place(section: StorageSettings) -> str:
    if section.kind == "local":
        return str(section.local_dir)
    return section.cos_base_url or f"https://{section.cos_bucket}.cos.{section.cos_region}.myqcloud.com"


@dataclass(frozen=True, slots=True)
class _Kind:
    run: Callable[[Any, str | None], Awaitable[str]]
    refusals: _Refusals
    endpoint: Callable[[Any], str] = lambda section: str(section.base_url)


_KINDS = {
    "wechat_pay": _Kind(_probe_wechat_pay, _WECHAT_PAY),
    "wechat_oauth": _Kind(_probe, _WECHAT_OAUTH),
    "wecom": _Kind(_probe_wecom, _WECOM),
    "storage": _Kind(_write_read_remove, _STORAGE, _storage_place),
}
# Groups whose connection is tested before they are saved.
TRIED = frozenset(_KINDS)
