"""The documents name what exists: files, commands, jobs. Both READMEs say the same."""

import re
from pathlib import Path

import pytest

from backend.cli import main
from backend.jobs import SCHEDULED
from backend.models.staff import StaffRole

ROOT = Path(__file__).parents[2]
READMES = ("README.md", "README.zh-CN.md")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CODE = re.compile(r"```bash\n(.*?)```|`([^`\n]+)`", re.DOTALL)


def code(name: str) -> str:
    """Everything a README shows as code."""
    return "\n".join(block or inline for block, inline in CODE.findall((ROOT / name).read_text()))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_files_resolve(document: Path):
    links = re.findall(r"\]\(([^)\s]+)\)", document.read_text())
    ours = [link for link in links if not re.match(r"https?:", link)]
    assert [link for link in ours if not (document.parent / link.split("#")[0]).exists()] == []


def test_every_decision_is_in_the_list_of_decisions():
    folder = ROOT / "docs/decisions"
    listed = re.findall(r"\]\((\d{4}-[^)]+)\)", (folder / "README.md").read_text())
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))


@pytest.mark.parametrize("name", READMES)
def test_make_commands_are_those_of_the_makefile(name: str):
    targets = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"^make ([a-z-]+)", code(name), re.MULTILINE)) == set(targets)


@pytest.mark.parametrize("name", READMES)
def test_commands_are_those_of_the_program(name: str, capsys: pytest.CaptureFixture[str]):
    named = set(re.findall(r"python -m backend ([a-z-]+)", code(name)))
    with pytest.raises(SystemExit):
        main(["--help"])
    assert named == set(re.findall(r"^    ([a-z-]+)(?: |$)", capsys.readouterr().out, re.MULTILINE))


@pytest.mark.parametrize("name", READMES)
def test_jobs_and_roles_are_all_named(name: str):
    words = set(code(name).splitlines())
    assert set(SCHEDULED) <= words
    assert {role.value for role in StaffRole} <= words


@pytest.mark.parametrize("name", READMES)
def test_named_folders_exist(name: str):
    folders = re.findall(r"^([a-z]+(?:/[a-z]+)*/)$", code(name), re.MULTILINE)
    assert len(folders) >= 10
    assert [folder for folder in folders if not (ROOT / folder).is_dir()] == []


def test_both_readmes_have_the_same_shape():
    shapes = []
    for name in READMES:
        text = (ROOT / name).read_text()
        commands = re.sub(r" +#.*", "", "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)))
        parts = [re.findall(r"^(#+ |\| |- |\d\. )", part, re.MULTILINE) for part in text.split("\n## ")]
        shapes.append((parts, commands))
    assert shapes[0] == shapes[1]
