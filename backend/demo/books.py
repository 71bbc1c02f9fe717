"""The final check: compares our ledger with the sandbox's books, to the fen."""

import sys
from collections import Counter
from typing import Any

from backend.core.money import format_yuan
from backend.demo.stage import Stage


async def show(stage: Stage) -> bool:
    """Print the table. Return whether both sides agree and no reconciliation case is open."""
    stage.act("The books")
    ours = await stage.admin.get("/ledger")
    camp = await stage.admin.get("/ledger", camp_id=stage.camp_id)
    theirs = await stage.sandbox.get("wechat-pay", "books")
    members = stage.books["members"]
    refunds = await stage.refunds()
    _table(_figures(members, refunds, camp))
    rows = [
        ("the provider holds for us", ours["provider_clearing_fen"], theirs["payments_fen"] - theirs["refunds_fen"]),
        ("refunds on their way", -ours["refunds_in_transit_fen"], theirs["refunding_fen"]),
        ("all ledger entries together", sum(ours.values()), 0),
        ("deposits still held in the archived camp", camp["deposits_held_fen"], 0),
    ]
    return _compare(rows) and not stage.books["cases"]


def _figures(
    members: list[dict[str, Any]], refunds: list[dict[str, Any]], camp: dict[str, int]
) -> list[tuple[str, str]]:
    methods = Counter(row["match_method"] or "not matched" for row in members)
    done = [row for row in refunds if row["status"] == "succeeded"]
    extra = [row for row in done if row["kind"] != "camp"]
    paid = sum(row["paid_fen"] for row in members)
    figures = [("members", str(len(members))), ("paid by members", f"{format_yuan(paid)} yuan")]
    figures += [(f"matched by {method}", str(count)) for method, count in sorted(methods.items())]
    figures += [
        ("eligible", str(sum(row["verdict"] == "eligible" for row in members))),
        ("refunded", f"{len(done) - len(extra)} rows"),
        ("extra refunds", f"{len(extra)} rows, {format_yuan(sum(row['amount_fen'] for row in extra))} yuan"),
        ("rejected", str(sum(row["status"] == "rejected" for row in refunds))),
        ("refunded in all", f"{format_yuan(sum(row['amount_fen'] for row in done))} yuan"),
        ("forfeited", f"{format_yuan(-camp['forfeited_income_fen'])} yuan"),
    ]
    return figures


def _table(figures: list[tuple[str, str]]) -> None:
    for name, value in figures:
        sys.stdout.write(f"  {name:<42}{value:>24}\n")


def _compare(rows: list[tuple[str, int, int]]) -> bool:
    sys.stdout.write(f"\n  {'':<42}{'our ledger':>16}{'sandbox':>16}\n")
    for name, ours, theirs in rows:
        mark = "✔" if ours == theirs else "✘"
        sys.stdout.write(f"  {name:<42}{format_yuan(ours):>16}{format_yuan(theirs):>16}  {mark}\n")
    return all(ours == theirs for _, ours, theirs in rows)
