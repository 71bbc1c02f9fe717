"""The console's Chinese names of states, for sheets."""

from backend.models.camps import CampStatus
from backend.models.checkins import CheckinSource
from backend.models.grants import GrantKind
from backend.models.members import MatchMethod, MatchStatus, Standing, Verdict
from backend.models.refunds import RefundKind, RefundStatus
from backend.models.staff import StaffRole

STAFF_ROLE = {
    StaffRole.SUPER_ADMIN: "超级管理员",
    StaffRole.MANAGER: "管理员",
    StaffRole.COACH: "教练",
    StaffRole.VOLUNTEER: "志愿者",
}
CAMP_STATUS = {
    CampStatus.DRAFT: "草稿",
    CampStatus.ENROLLING: "报名中",
    CampStatus.ONGOING: "进行中",
    CampStatus.ENDED: "已结束",
    CampStatus.SETTLING: "结算中",
    CampStatus.ARCHIVED: "已归档",
    CampStatus.CANCELLED: "已取消",
}
MATCH_STATUS = {
    MatchStatus.UNMATCHED: "未匹配",
    MatchStatus.SUGGESTED: "待确认",
    MatchStatus.MATCHED: "已匹配",
    MatchStatus.CONFLICT: "冲突",
    MatchStatus.CLOSED: "无法匹配",
}
MATCH_METHOD = {
    MatchMethod.PLANET_NUMBER: "星球编号",
    MatchMethod.PLANET_NICKNAME: "星球昵称",
    MatchMethod.WECHAT_NICKNAME: "微信昵称",
    MatchMethod.MANUAL: "人工匹配",
}
VERDICT = {
    Verdict.ELIGIBLE: "符合",
    Verdict.PARTIAL: "部分退还",
    Verdict.NEEDS_CONFIRMATION: "需人工确认",
    Verdict.NOT_ELIGIBLE: "不符合",
}
STANDING = {
    Standing.NOT_STARTED: "未开始",
    Standing.IN_PROGRESS: "进行中",
    Standing.REACHED: "已达标",
    Standing.OUT_OF_REACH: "已无法达标",
}
GRANT_KIND = {
    GrantKind.LEAVE: "请假",
    GrantKind.MAKEUP: "补卡",
    GrantKind.APPEAL: "申诉认定",
    GrantKind.AMNESTY: "豁免",
    GrantKind.COACH: "教练认定",
}
REFUND_STATUS = {
    RefundStatus.PENDING_REVIEW: "待审核",
    RefundStatus.APPROVED: "已通过",
    RefundStatus.SENDING: "退款中",
    RefundStatus.PROCESSING: "退款中",
    RefundStatus.SUCCEEDED: "已退款",
    RefundStatus.FAILED: "退款失败",
    RefundStatus.REJECTED: "已拒绝",
    RefundStatus.CLOSED: "已关闭",
}
REFUND_KIND = {
    RefundKind.CAMP: "押金退款",
    RefundKind.DUPLICATE: "重复支付退款",
    RefundKind.EXCEPTION: "特殊退款",
}
CHECKIN_SOURCE = {CheckinSource.POSTS: "知识星球", CheckinSource.IMPORT: "手工导入"}


def verdict(value: Verdict | None) -> str:
    """Empty until there is a verdict."""
    return VERDICT[value] if value is not None else ""


def match_method(value: str | None) -> str:
    """``value`` is the stored text; empty without a match."""
    return MATCH_METHOD[MatchMethod(value)] if value else ""
