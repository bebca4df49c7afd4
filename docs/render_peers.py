"""The part of docs/performance.md that puts a night's stages beside the least they could cost, and beside the obvious way, from what
benchmarks/peers.py measured.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from docs.grid import grid

MEASURED = Path(__file__).parent / "measured" / "peers.csv"
FITTING = Path(__file__).parent / "measured" / "peers_of_fitting.csv"
MOST_OF_DAGSTER = 0.2
DAGSTER = Path(__file__).parent / "measured" / "dagster.csv"
Row = Mapping[str, str]


def peers_section() -> str:
    """As text; what to run where nothing was measured yet."""
    if not MEASURED.exists():
        return "## Beside its peers\n\nNot measured yet: `make bench`.\n"
    with MEASURED.open() as file:
        rows = list(csv.DictReader(file))
    first = rows[0]
    return f"""## Beside its peers

The invented club of {int(first["members"]):,} members above, on the same rows in one run: {first["rounds"]} round{"" if first["rounds"] == "1" else "s, of which the medians"} (beside pandas one, each in a process of its own, of {_in_pandas(rows):,} members), load {rows[-1]["load"]}
at the end. Seconds are processor seconds, of all threads: other programs that run beside it count less in them than on a clock.

{grid(("what", "ours", "beside it", "ratio", "limit"), map(_told, rows))}

"Prediction" is XGBoost's `inplace_predict` by all trees of the model on the rows as matrices that lie in memory already; "the model" is that and the linear partners
and bounds, without which a score is none. {_floor(rows)}

{_fitting()}
{_dagster()}"""


def _floor(rows: Sequence[Row]) -> str:
    """What prediction by itself leaves of two of the limits."""
    by_name = {row["comparison"]: row for row in rows}
    prediction, pandas = by_name["scoring beside prediction"], by_name["scoring beside pandas, seconds"]
    a_member = float(prediction["peer"]) / int(prediction["members"])
    of_pandas = a_member * int(pandas["members"]) / float(pandas["peer"])
    return (
        f"Prediction alone is {a_member * 10_000:.1f} µs a pair: of a million members {a_member * 1e6 / 2 / 60:.0f} of the ten minutes that a night on two cores should take, and {of_pandas:.0%} of "
        "the seconds that pandas takes with it, so a tenth of those cannot be reached with trees as many as these."
    )


def _in_pandas(rows: Sequence[Row]) -> int:
    return next(int(row["members"]) for row in rows if "pandas" in row["comparison"])


def _fitting() -> str:
    if not FITTING.exists():
        return "Not measured yet: features beside SQL by hand, and training beside XGBoost alone: `make bench`.\n"
    with FITTING.open() as file:
        rows = list(csv.DictReader(file))
    first, last = rows[0], rows[-1]
    return f"""Features and training, in a run of their own on the same club, of {first["rounds"]} round{"" if first["rounds"] == "1" else "s, of which the medians"} (of a million examples and more one), load {last["load"]} at the end:

{grid(("what", "ours", "beside it", "ratio", "limit"), map(_told, rows))}

"By hand" are the 29 columns that purchases make of a member, and the 12 of a member and a category, written as plain SQL for DuckDB (`benchmarks/by_hand.py`): equal to ours
to a millionth, or the run fails. Trained is one bag of a hundred trees with its linear partner, the inputs chosen and their matrix made from a table of examples, beside XGBoost growing as many trees
from a matrix that lies in memory already.{_most(last)} A night learns from a million mailings at most ([why](adr/0031-a-long-past-is-learned-from-by-a-part-of-the-members.md)).
"""


def _most(row: Row) -> str:
    """The memory of the most examples that were trained on."""
    return (
        f" {int(row['examples']):,} examples took {row['peak_gb']} GB of memory, the table itself with them."
        if row.get("peak_gb")
        else ""
    )


def _dagster() -> str:
    if not DAGSTER.exists():
        return "Dagster's share of a night is not measured yet: `make bench`.\n"
    with DAGSTER.open() as file:
        row = next(csv.DictReader(file))
    share = float(row["share"])
    said = "reached" if share < MOST_OF_DAGSTER else "not reached"
    return (
        f"Dagster's share of a whole night of {int(row['members']):,} members, training with it, is {share:.1%} of its time (under {MOST_OF_DAGSTER:.0%}: **{said}**): in so many of "
        f"{int(row['samples']):,} samples no code of ours, nor what it calls, was at work.\n"
    )


def _told(row: Row) -> Sequence[str]:
    unit = "GB" if "memory" in row["comparison"] else "s"
    limit = row["limit"] and f"{row['limit']}: **{'reached' if _reached(row) else 'not reached'}**"
    examples = f", {int(row['examples']):,} examples" if row["comparison"].startswith("training") else ""
    return row["comparison"] + examples, f"{row['ours']} {unit}", f"{row['peer']} {unit}", row["ratio"], limit


def _reached(row: Row) -> bool:
    return float(row["ratio"]) <= float(row["limit"].removeprefix("at most "))
