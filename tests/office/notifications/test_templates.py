"""The tiny language of templates: names in braces, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.office.notifications.scenes import CHANNELS, SCENES, VALUES
from backend.office.notifications.templates import problem, render

SECRETS = {"camp": "晨读", "name": "小满"}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("「{camp}」{name}", "「晨读」小满"),
        ("{{camp}}", "{camp}"),
        ("{{{camp}}}", "{晨读}"),
        ("没有花括号", "没有花括号"),
        ("{unknown}", "—"),
    ],
)
def test_names_are_filled_in(template: str, text: str) -> None:
    assert render(template, SECRETS) == text


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{camp} {who}", "没有名为 {who} 的占位符"),
        ("{camp.__class__}", "没有名为 {camp.__class__} 的占位符"),
        ("{camp!r}", "没有名为 {camp!r} 的占位符"),
        ("{0}", "没有名为 {0} 的占位符"),
        ("{ camp }", "没有名为 { camp } 的占位符"),
        ("{}", "占位符 {} 里没有名称"),
        ("a{camp", "第 2 个字符「{」没有配对"),
        ("camp}", "第 5 个字符「}」没有配对"),
        ("{camp}}", "第 7 个字符「}」没有配对"),
    ],
)
def test_whatever_else_is_refused(template: str, words: str) -> None:
    assert (problem(template, SECRETS) or "").startswith(words)


def test_a_value_is_never_read_as_a_template() -> None:
    assert render("{camp}", {"camp": "{name}", "name": "x"}) == "{name}"


@given(st.text(alphabet="{}abcamp .!:[]", max_size=30))
def test_rendering_never_fails_and_what_passes_leaves_no_gap(template: str) -> None:
    text = render(template, SECRETS)
    if problem(template, SECRETS) is None:
        assert "—" not in text


def test_every_scene_s_own_words_can_be_used() -> None:
    assert len(SCENES) == 21
    for scene in SCENES.values():
        for audience, notice in scene.notices.items():
            assert problem(notice.title, notice.values) is None
            assert problem(notice.content, notice.values) is None
            assert set(notice.values) <= set(VALUES)
            assert set(notice.channels) <= set(CHANNELS[audience])
            assert notice.channels
