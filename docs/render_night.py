"""The part of docs/performance.md that tells what a night costs by stage and size, from what benchmarks/night.py measured."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from docs.grid import grid

MEASURED = Path(__file__).parent / "measured" / "night.csv"
COUNTED = ("features", "scores", "decisions", "lists", "publish")
IN_SHARDS = ("features", "scores", "decisions", "lists")
MINUTES, MEMORY, APART = (
    10,
    8.0,
    0.2,
)  # the limits: of the night at a million members, and how far costs a pair may differ
MILLION = 1_000_000
Row = Mapping[str, str]


def night_section() -> str:
    """As text; what to run where nothing was measured yet."""
    if not MEASURED.exists():
        return "## A night\n\nNot measured yet: `make bench`.\n"
    with MEASURED.open() as file:
        rows = _with_publishing(list(csv.DictReader(file)))
    sizes = list(dict.fromkeys(row["members"] for row in rows))
    first = rows[0]
    return f"""## A night

The invented club with {int(first["pairs"]) // int(first["members"])} offers running for every member, from its tables in the lake to the published batch; each stage in a process of its own, of
which the operating system tells the time and the most memory it held; of a club of several shards two are worked on at a time, in a process each, whose memory is told together. On {first["machine"]}, {first["versions"]}, load {first["load"]} at the end. A microsecond a
pair is {_words(100)} for a hundred million pairs. `sources` (reading and checking the club's files) is told and not counted.

{grid(("members", "stage", "seconds", "processor s", "processor, µs a pair", "most memory, GB", "rows", "shards"), map(_told, rows))}

{grid(("members", "whole night", "processor, µs a pair", "most memory, GB"), (_whole(size, rows) for size in sizes))}

{_verdict(sizes, rows)}
"""


def _with_publishing(rows: list[Row]) -> list[Row]:
    """A part of a club is not published, as the gate refuses lists that leave members out: what that takes is reckoned from the largest
    club that was published."""
    published = [row for row in rows if row["stage"] == "publish" and row["state"] == "done"]
    partly = {row["members"] for row in rows if row["shards_done"] != row["shards"]}
    kept = [row for row in rows if not (row["members"] in partly and row["stage"] == "publish")]
    if not published:
        return kept
    largest = max(published, key=lambda row: int(row["members"]))
    for size in sorted(partly, key=int):
        times = int(size) / int(largest["members"])
        more = {name: f"{float(largest[name]) * times:.0f}" for name in ("seconds", "cpu_seconds", "rows")}
        state = f"reckoned from {int(largest['members']):,} members"
        kept.append(
            {**largest, **more, "members": size, "pairs": str(int(int(largest["pairs"]) * times)), "state": state}
        )
    return kept


def _told(row: Row) -> Sequence[str]:
    shards = f"{row['shards_done']} of {row['shards']}"
    state = "" if row["state"] == "done" else f" ({row['state'].split(':')[0]})"
    return (
        f"{int(row['members']):,}", row["stage"] + state, row["seconds"], row["cpu_seconds"], f"{_a_pair(row):.1f}",
        row["peak_gb"], f"{int(row['rows']):,}", shards,
    )  # fmt: skip


def _share(row: Row) -> float:
    """The part of the pairs that the stage has seen."""
    partly = row["stage"] in (*IN_SHARDS, "publish")
    return int(row["shards_done"]) / int(row["shards"]) if partly else 1.0


def _of_all(row: Row, seconds: str, before: str) -> float:
    """Seconds of all shards: what was done before them for the club as a whole, and as much again for each as for those done."""
    first = float(row[before])
    return first + (float(row[seconds]) - first) / _share(row)


def _a_pair(row: Row) -> float:
    return _of_all(row, "cpu_seconds", "before_cpu") * 1e6 / int(row["pairs"])


def _of(size: str, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["members"] == size and row["stage"] in COUNTED]


def _seconds(size: str, rows: Sequence[Row]) -> float:
    return sum(_of_all(row, "seconds", "before_seconds") for row in _of(size, rows))


def _whole(size: str, rows: Sequence[Row]) -> Sequence[str]:
    own = _of(size, rows)
    ended = len(own) == len(COUNTED) and all(row["state"].startswith(("done", "reckoned")) for row in own)
    partly = any(_share(row) < 1 for row in own)
    said = _words(_seconds(size, rows)) + (" (extrapolated from the shards done)" if partly else "")
    return (
        f"{int(size):,}",
        said if ended else "not whole",
        f"{sum(map(_a_pair, own)):.0f}" if ended else "",
        f"{max(float(row['peak_gb']) for row in own):.1f}",
    )


def _verdict(sizes: Sequence[str], rows: Sequence[Row]) -> str:
    """The targets, reached or not."""
    ended = [size for size in sizes if len(_of(size, rows)) == len(COUNTED)]
    if not ended:
        return "No size was measured whole."
    costs = {size: sum(map(_a_pair, _of(size, rows))) for size in ended}
    low, high = min(costs.values()), max(costs.values())
    largest = max(ended, key=int)
    members, cores = int(largest), int(rows[0]["machine"].split()[0])
    memory = max(float(row["peak_gb"]) for row in _of(largest, rows))
    work = costs[largest] * int(rows[0]["pairs"]) / int(rows[0]["members"])  # processor seconds of a million members
    minutes = (_seconds(largest, rows) if members == MILLION else work / cores) / 60
    whole = all(_share(row) == 1 for row in _of(largest, rows))
    how = (
        f"{'measured' if whole else 'extrapolated from the shards done'}"
        if members == MILLION
        else f"reckoned from {members:,}: {work:,.0f} s of processor on {cores} cores"
    )
    apart = f"from {low:.0f} to {high:.0f} µs of processor"
    return (
        f"- A million members in under {MINUTES} minutes: **{_reached(minutes < MINUTES)}**, {minutes:.0f} minutes ({how}).\n"
        f"- In under {MEMORY:.0f} GB: **{_reached(memory < MEMORY, members == MILLION)}**, {memory:.1f} GB at {members:,} members.\n"
        f"- The same cost a pair at every size within {APART:.0%}: **{_reached(high <= low * (1 + APART), len(ended) > 1)}**, {apart}."
    )


def _reached(yes: bool, judged: bool = True) -> str:
    return ("reached" if yes else "not reached") if judged else "not judged"


def _words(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
