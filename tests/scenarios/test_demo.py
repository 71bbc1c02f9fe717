"""The demo is the widest test there is: separate processes, real protocols, a whole camp, and two sets of books."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(400)


def start(output: Path) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CAMP_")}
    with output.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "backend", "demo", "--once", "--port", "0"],
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )


def processes_mentioning(text: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if text.encode() in line and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found


def test_a_killed_demo_leaves_nothing_and_the_next_one_ends_with_equal_books(tmp_path: Path) -> None:
    killed_output = tmp_path / "killed"
    killed = start(killed_output)
    deadline = time.monotonic() + 120
    while b"Three camps" not in killed_output.read_bytes():
        assert time.monotonic() < deadline, killed_output.read_text()
        assert killed.poll() is None, killed_output.read_text()
        time.sleep(0.1)
    # The clock's path is in the environment of each of its processes.
    environment = Path(f"/proc/{_children(killed.pid)[0]}/environ").read_bytes()
    clock_file = next(part for part in environment.split(b"\0") if part.startswith(b"CAMP_TEST_CLOCK=")).decode()
    killed.send_signal(signal.SIGKILL)
    killed.wait()

    output = tmp_path / "whole"
    assert start(output).wait(timeout=300) == 0, output.read_text()
    text = output.read_text()
    assert "The books agree." in text
    assert "✘" not in text
    [ours, sandbox] = re.findall(r"the provider holds for us +([\d.]+) +([\d.]+)", text)[0]
    assert ours == sandbox != "0.00"
    for scene in (
        "credited once",
        "filled it in (paid)",
        "paid twice",
        "sync_incomplete",
        "5 days, eligible",
        "paused for all",
    ):
        assert scene in text
    assert processes_mentioning(clock_file) == []


def _children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children if b"backend" in Path(f"/proc/{child}/cmdline").read_bytes()]
