import os
import secrets
import stat
import tempfile
from pathlib import Path

import pytest

from backend.embedded.run_directory import run_directory

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands its directory to another account")


@pytest.fixture
def prefix() -> str:
    """A prefix nobody else uses, so that a test cleans up only what it made."""
    return f"run-{secrets.token_hex(3)}-"


def test_is_gone_afterwards_also_after_an_error(prefix: str) -> None:
    used: list[Path] = []

    def fail_in_the_middle() -> None:
        with run_directory(prefix) as directory:
            used.append(directory)
            (directory / "folder").mkdir()
            (directory / "folder" / "file").write_text("x")
            (directory / "link").symlink_to(tempfile.gettempdir())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle()
    assert not used[0].exists()
    assert Path(tempfile.gettempdir()).is_dir()


def test_nobody_else_gets_in(prefix: str) -> None:
    with run_directory(prefix) as directory:
        mode = stat.S_IMODE(directory.stat().st_mode)
    assert mode == (0o710 if os.geteuid() == 0 else 0o700)


def test_leaves_a_living_run_alone(prefix: str) -> None:
    with run_directory(prefix) as first:
        with run_directory(prefix) as second:
            assert first != second
        assert first.is_dir()


def test_leaves_a_stranger_with_the_same_prefix_alone(prefix: str) -> None:
    with tempfile.TemporaryDirectory(prefix=prefix) as stranger:
        Path(stranger, "photo").write_text("x")
        with run_directory(prefix):
            pass
        assert Path(stranger, "photo").exists()


def test_finishes_what_an_interrupted_removal_left(prefix: str) -> None:
    # The state in which a killed run leaves its directory: everything there, nobody holds the lock.
    abandoned = Path(tempfile.mkdtemp(prefix=prefix))
    (abandoned / ".camp-run").touch()
    (abandoned / "postgres").mkdir()
    (abandoned / "half.pid").write_text("12")
    with run_directory(prefix):
        assert not abandoned.exists()


def test_a_temporary_directory_too_deep_for_sockets_is_passed_over(
    prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with run_directory(prefix) as directory:
        assert directory.parent != deep


@as_root
def test_root_passes_over_a_temporary_directory_in_a_closed_home(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix=prefix) as home:
        monkeypatch.setattr(tempfile, "tempdir", home)
        with run_directory(prefix) as directory:
            assert not directory.is_relative_to(home)
        assert stat.S_IMODE(Path(home).stat().st_mode) == 0o700
