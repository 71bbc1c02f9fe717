"""Chinese texts for the audit log: actions, targets and changes. The page, the filter and the export share them."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from backend.core import clock
from backend.core.money import format_yuan
from backend.desk.reports import words
from backend.models.audit import AuditEntry

ACTIONS = {
    "auth.login": "登录",
    "auth.login_failed": "登录失败",
    "auth.lock": "登录锁定",
    "auth.logout": "退出登录",
    "auth.password_wrong": "密码确认错误",
    "auth.password_change": "修改密码",
    "user.create": "添加用户",
    "user.update": "编辑用户",
    "user.disable": "停用用户",
    "user.delete": "删除用户",
    "user.reset_password": "重置密码",
    "user.unlock": "解除登录锁定",
    "camp.create": "创建训练营",
    "camp.update": "编辑训练营",
    "camp.delete": "删除训练营",
    "camp.publish": "发布训练营",
    "camp.withdraw": "撤回训练营",
    "camp.start": "训练营开营",
    "camp.end": "训练营结束",
    "camp.settle": "开始结算",
    "camp.archive": "归档训练营",
    "camp.amnesty": "豁免打卡日",
    "camp.qr.replace": "更换群二维码",
    "camp.robot.change": "设置群机器人",
    "camp.staff.change": "调整训练营人员",
    "member.match": "匹配会员",
    "member.unmatch": "取消匹配",
    "member.close": "标记无法匹配",
    "member.reopen": "重新打开匹配",
    "member.correct": "会员修改星球信息",
    "member.join": "标记进群",
    "member.unjoin": "取消进群标记",
    "member.grant": "认定打卡",
    "refund.generate": "生成退款名单",
    "refund.approve": "通过退款",
    "refund.reject": "拒绝退款",
    "refund.undo": "撤销通过",
    "refund.reopen": "重新审核退款",
    "refund.retry": "重试退款",
    "refund.mark_offline": "标记已处理",
    "refund.extra": "申请特殊退款",
    "refund.resume": "恢复退款发送",
    "checkin.sync": "同步打卡",
    "checkin.import": "导入打卡",
    "planet.create": "添加星球",
    "planet.update": "编辑星球",
    "planet.test": "测试星球凭证",
    "planet.import": "导入星球成员",
    "upload.create": "上传图片",
    "reconciliation.resolve": "处理对账差异",
    "config.update": "修改系统配置",
    "config.test": "测试系统配置",
    "notice.resend": "重发通知",
    "job.run": "手动执行任务",
    "export.members": "导出会员",
    "export.refunds": "导出退款",
    "export.checkins": "导出打卡",
    "export.matching": "导出身份匹配",
    "export.settlement": "导出结算",
    "export.logs": "导出操作日志",
    "export.camp_statistics": "导出训练营报表",
    "export.coach_statistics": "导出教练报表",
    "export.person": "导出个人数据",
    "retention.clear": "清除个人数据",
}

TARGETS = {
    "staff": "用户",
    "address": "网络地址",
    "camp": "训练营",
    "member": "会员",
    "refund": "退款",
    "refund_hold": "退款发送",
    "planet": "星球",
    "sync_run": "打卡同步",
    "upload": "图片",
    "reconciliation_case": "对账差异",
    "settings": "系统配置",
    "notification": "通知",
    "notice_scene": "通知设置",
    "job": "任务",
    "members": "会员",
    "refunds": "退款",
    "checkins": "打卡",
    "matching": "身份匹配",
    "settlement": "结算",
    "logs": "操作日志",
    "camp_statistics": "训练营报表",
    "coach_statistics": "教练报表",
}

ACTORS = {"system": "系统", "member": "会员", "provider": "微信支付"}

FIELDS = {
    "name": "名称",
    "username": "用户名",
    "display_name": "姓名",
    "role": "角色",
    "active": "启用",
    "wecom_user_id": "企业微信账号",
    "description": "项目介绍",
    "deposit_fen": "押金",
    "capacity": "人数上限",
    "starts_on": "开始日期",
    "ends_on": "结束日期",
    "required_days": "要求打卡天数",
    "refund_policy": "退款规则",
    "enroll_opens_at": "报名开始",
    "enroll_closes_at": "报名截止",
    "planet_id": "星球",
    "checkin_id": "打卡项目",
    "poster_key": "海报",
    "group_qr_key": "群二维码",
    "coach_ids": "教练",
    "volunteer_ids": "志愿者",
    "status": "状态",
    "match_status": "匹配状态",
    "confidence": "置信度",
    "match_method": "匹配方式",
    "planet_user_id": "星球用户ID",
    "planet_nickname": "星球昵称",
    "planet_number": "星球编号",
    "joined": "已进群",
    "group_id": "群组编号",
    "cookie": "登录凭证",
    "ok": "成功",
    "kind": "类型",
    "amount_fen": "金额",
    "kept_fen": "留存金额",
    "refunded_fen": "已退金额",
    "refunds": "退款笔数",
    "verdict": "系统判定",
    "attempts": "发送次数",
    "channel": "渠道",
    "cause": "原因",
    "override": "不按系统判定",
    "reject_reason": "拒绝原因",
    "failure_code": "失败代码",
    "manual_retries": "手动重试次数",
    "settled_offline": "线下处理",
    "rows": "行数",
    "format": "文件格式",
    "from": "开始日期",
    "to": "结束日期",
    "created": "新建",
    "eligible": "符合",
    "partial": "部分退还",
    "needs_confirmation": "需人工确认",
    "not_eligible": "不符合",
    "unmatched": "未匹配",
    "matched": "已匹配",
    "suggested": "有建议",
    "conflict": "冲突",
    "closed": "无法匹配",
    "added": "新增",
    "changed": "变更",
    "removed": "移除",
    "whole": "全量",
    "file_name": "文件名",
    "sha256": "文件指纹",
    "people": "人数",
    "members": "会员人数",
    "days": "打卡天数",
    "size_bytes": "字节数",
}

# Changes are listed in the order of the forms.
_ORDER = {field: place for place, field in enumerate(FIELDS)}

_VALUES: dict[str, Mapping[Any, str]] = {
    "role": words.STAFF_ROLE,
    "match_status": words.MATCH_STATUS,
    "match_method": words.MATCH_METHOD,
    "verdict": words.VERDICT,
    "camp.status": words.CAMP_STATUS,
    "refund.status": words.REFUND_STATUS,
    "refund.kind": words.REFUND_KIND,
    "member.kind": words.GRANT_KIND,
    "camp.kind": words.GRANT_KIND,
}


@dataclass(frozen=True, slots=True)
class Change:
    """A changed field in Chinese. ``before`` or ``after`` is None where the row doesn't record that side."""

    field: str
    before: str | None
    after: str | None


def action(name: str) -> str:
    """The Chinese name of an action; its code if there is none."""
    return ACTIONS.get(name, name)


def target(name: str) -> str:
    return TARGETS.get(name, name)


def actor(entry: AuditEntry) -> str:
    """A staff member's user name; otherwise the kind of actor in Chinese."""
    return entry.actor_name if entry.actor_kind == "staff" else ACTORS.get(entry.actor_kind, entry.actor_name)


def changes(entry: AuditEntry, names: Mapping[str, str]) -> Iterator[Change]:
    """The changes that a row records. ``names`` maps ids in the row to display names."""
    before, after = entry.before or {}, entry.after or {}
    for field in sorted({*before, *after}, key=lambda field: (_ORDER.get(field, len(_ORDER)), field)):
        told = [
            _value(entry.target_type, field, side[field], names) if field in side else None for side in (before, after)
        ]
        yield Change(FIELDS.get(field, field), *told)


def ids_in(entry: AuditEntry) -> Iterator[str]:
    """The ids in a row that are shown by name."""
    for side in (entry.before or {}, entry.after or {}):
        for field, value in side.items():
            if field.endswith("_ids") and isinstance(value, list):
                yield from (one for one in value if isinstance(one, str))
            elif field == "planet_id" and isinstance(value, str):
                yield value


def _value(target_type: str, field: str, value: object, names: Mapping[str, str]) -> str:
    if value is None or value in ("", []):
        return "无"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(_value(target_type, field, one, names) for one in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and field.endswith("_fen"):
        return f"{format_yuan(value)} 元"
    if isinstance(value, str) and field.endswith("_at"):
        return _instant(value)
    known = _VALUES.get(f"{target_type}.{field}") or _VALUES.get(field) or {}
    by_value = {str(one.value) if isinstance(one, StrEnum) else str(one): text for one, text in known.items()}
    return by_value.get(str(value)) or names.get(str(value)) or str(value)


def _instant(value: str) -> str:
    try:
        return f"{clock.shanghai(dt.datetime.fromisoformat(value)):%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return value
