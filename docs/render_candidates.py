"""The part of docs/performance.md that tells what it would lose not to predict for every offer, from what benchmarks/candidates.py measured."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from docs.grid import grid

MEASURED = Path(__file__).parent / "measured" / "candidates.csv"
MOST_LOST = 0.001


def candidates_section() -> str:
    """As text; what to run where nothing was measured yet."""
    if not MEASURED.exists():
        return "## Who is predicted for\n\nNot measured yet: `python -m benchmarks.candidates --help`.\n"
    with MEASURED.open() as file:
        rows = list(csv.DictReader(file))
    clubs = {row["club"]: f"{int(row['pairs']):,} ({int(row['answered']):,} answered)" for row in rows}
    told = (
        (row["club"], row["tie"], f"{float(row['spared']):.1%}", f"{float(row['lost']):.2%}", _verdict(float(row["lost"])))
        for row in rows
    )  # fmt: skip
    return f"""## Who is predicted for

Everybody in a campaign's audience who [may be written to](adr/0026-who-may-not-be-written-to-is-not-predicted-for.md), for every offer. To predict only where a member has a tie to
an offer would spare work, and lose those who answer without one. Of past mailings and their offers, {" and ".join(f"{pairs} in {club}" for club, pairs in clubs.items())}; each
tie adds to those above it:

{grid(("club", "a candidate has", "spared", "of the answered lost", f"below {MOST_LOST:.1%}"), told)}

{_conclusion(rows)} Counted by `python -m benchmarks.candidates` on the examples of a night.
"""


def _conclusion(rows: Sequence[Mapping[str, str]]) -> str:
    clubs = {row["club"] for row in rows}
    cheap = [row["tie"] for row in rows if float(row["lost"]) < MOST_LOST]
    safe = sorted({tie for tie in cheap if cheap.count(tie) == len(clubs)})
    if safe:
        return f"Below a thousandth in every club: {', '.join(safe)}. [ADR 30](adr/0030-every-offer-is-predicted.md) is to be looked at again."
    return "No tie loses less than a thousandth in every club, so there are no candidates ([why](adr/0030-every-offer-is-predicted.md))."


def _verdict(lost: float) -> str:
    return "yes" if lost < MOST_LOST else "no"
