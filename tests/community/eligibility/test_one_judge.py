"""One judge: nobody else asks ``assess``, writes its results, or compares days with a requirement (design §11)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import backend

ROOT = Path(backend.__file__).parent
RESULTS = {"standing", "entitled_fen", "judged_at"}
# ``days >= required_days`` and its like, in Python's or SQL's words.
COMPARED = re.compile(r"days\w*\"?\s*(<|>|<=|>=)\s*[\w.(\"' >-]*required", re.IGNORECASE)
REVERSED = re.compile(r"required\w*[\w.)\"' >-]*(<|>|<=|>=)\s*[\w.]*days", re.IGNORECASE)


def sources() -> Iterator[tuple[str, str]]:
    for path in sorted(ROOT.rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def test_assess_is_asked_in_one_place() -> None:
    calls = [
        (name, node.lineno)
        for name, text in sources()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "assess"
    ]
    assert [name for name, _ in calls] == ["community/eligibility/service.py"]


def test_only_the_judge_writes_what_it_finds() -> None:
    written = [
        (name, node.lineno)
        for name, text in sources()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr in RESULTS
    ]
    assert {name for name, _ in written} <= {"community/eligibility/service.py"}
    setters = [name for name, text in sources() if '"entitled_fen": result' in text]
    assert setters == ["community/eligibility/service.py"]


def test_nobody_else_compares_days_with_a_requirement() -> None:
    found = [name for name, text in sources() if COMPARED.search(text) or REVERSED.search(text)]
    # The demo plays the reviewer, who reads the page.
    assert [name for name in found if not name.startswith(("demo/", "community/eligibility/"))] == []


def test_the_patterns_see_what_they_are_for() -> None:
    for text in ("days_posts >= (policy ->> 'required_days')", "member.days < member.required_days", "days>=required"):
        assert COMPARED.search(text), text
    assert REVERSED.search("required_days <= days_ranking")
