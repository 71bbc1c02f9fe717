"""What the last measured run reached, for each folder of ``backend/`` and in all. Nothing here fails a run."""

import json
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from coverage import Coverage

ENTRANCES = "(entrances)"  # files that lie in backend/ itself
WANTED = ("num_statements", "covered_lines", "num_branches", "covered_branches")


def main() -> int:
    wings: dict[str, Counter[str]] = defaultdict(Counter)
    for name, file in measured()["files"].items():
        _, *inside = Path(name).parts
        wings[inside[0] if len(inside) > 1 else ENTRANCES].update({key: file["summary"][key] for key in WANTED})
    print(f"{'':16}{'lines':>8}{'reached':>9}{'branches':>10}{'reached':>9}")
    for wing in sorted(wings):
        print(row(wing, wings[wing]))
    print(row("in all", sum(wings.values(), Counter())))
    return 0


def measured() -> dict[str, Any]:
    """The report of coverage.py, with names of files as ``backend/…``."""
    coverage = Coverage(messages=False)
    coverage.load()
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        coverage.json_report(outfile=report.name)
        found: dict[str, Any] = json.load(report)
    return found


def row(name: str, of: Counter[str]) -> str:
    lines, branches = of["num_statements"], of["num_branches"]
    reached = share(of["covered_lines"], lines), share(of["covered_branches"], branches)
    return f"{name:16}{lines:>8}{reached[0]:>9}{branches:>10}{reached[1]:>9}"


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


if __name__ == "__main__":
    sys.exit(main())
