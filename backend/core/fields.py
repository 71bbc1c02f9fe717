"""Field validation errors as Chinese form messages."""

from collections.abc import Mapping
from typing import Any

# By pydantic error type.
_TEXTS = {
    "missing": "必填",
    "string_too_short": "至少 {min_length} 个字",
    "string_too_long": "最多 {max_length} 个字",
    "string_type": "应为文字",
    "string_pattern_mismatch": "格式不正确",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "finite_number": "应为数字",
    "time_parsing": "应为时间，如 09:00",
    "time_type": "应为时间，如 09:00",
    "bool_type": "应为是或否",
    "bool_parsing": "应为是或否",
    "greater_than_equal": "不能小于 {ge}",
    "greater_than": "应大于 {gt}",
    "less_than_equal": "不能大于 {le}",
    "less_than": "应小于 {lt}",
    "date_from_datetime_parsing": "应为日期，如 2026-01-31",
    "date_parsing": "应为日期，如 2026-01-31",
    "date_type": "应为日期，如 2026-01-31",
    "datetime_parsing": "应为带时区的时间，如 2026-01-31T08:00:00+08:00",
    "datetime_from_date_parsing": "应为带时区的时间，如 2026-01-31T08:00:00+08:00",
    "datetime_type": "应为带时区的时间，如 2026-01-31T08:00:00+08:00",
    "timezone_aware": "缺少时区，如 +08:00",
    "list_type": "应为列表",
    "too_long": "最多 {max_length} 项",
    "too_short": "至少 {min_length} 项",
    "enum": "不是可选的值",
    "literal_error": "不是可选的值",
    "json_invalid": "不是有效的 JSON",
    "model_attributes_type": "应为对象",
    "dict_type": "应为对象",
}


def field_text(item: Mapping[str, Any]) -> str:
    """One pydantic error as a Chinese message. Messages of our own validators are shown unchanged."""
    kind = item["type"]
    if kind == "value_error":
        return str(item["msg"]).removeprefix("Value error, ")
    template = _TEXTS.get(kind, "格式不正确")
    try:
        return template.format(**{name: _short(value) for name, value in item.get("ctx", {}).items()})
    except KeyError:
        return "格式不正确"


def _short(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value
