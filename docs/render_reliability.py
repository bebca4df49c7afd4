"""Writes docs/reliability.md from what `make faults` found: each promise, the tests that try to break it, and their figures."""

import csv
from itertools import groupby
from pathlib import Path

from docs.grid import grid

MEASURED = Path(__file__).parent / "measured" / "reliability.csv"
PROMISES = {
    "R1": "Consent holds at the moment of reading: who opts out is in no list from the next SELECT on, and stale consents empty the views.",
    "R2": "A publish is whole or not at all, once a business date, and an older run never undoes a newer.",
    "R3": "The ledger is only added to; only a member's own later opt-in lifts an opt-out, whatever the order of arrival.",
    "R4": "A batch that does not balance, frees members without an opt-in, or is unlike the nights before is refused with the number, and the old one stays.",
    "R5": "Whom the night or the member stopped is in no offer and no export, whoever asks.",
    "R6": "A mailing tool gets each member of a campaign and channel once, by the consents of that moment.",
    "R7": "A night that hangs or does not come is noticed from outside.",
    "R8": "Bad rows never stop the night; bad tables always do, before anything is published.",
    "R9": "Nothing from the future: training and night see the same rows, made of what was known.",
    "R10": "A worse model does not go live, and a bad one comes back.",
    "R11": "Erasure and objection go all the way.",
    "R12": "No id is in logs, run metadata, model files or reports.",
    "R13": "Files for people are safe to open, and exact.",
    "R14": "Each role may do its own work alone.",
    "R15": "A business date is the club's local date, on days of 23 and 25 hours too.",
    "R16": "What is installed is what was locked, and a night needs no network.",
}

FAULTS = {
    "F1": "PostgreSQL restarted in the middle of COPY",
    "F2": "PostgreSQL down",
    "F3": "the disk under PostgreSQL full",
    "F4": "the lake's disk full",
    "F5": "the disk of MLflow's artifacts full",
    "F6": "the connection lost between COMMIT and its answer",
    "F7": "MLflow down, slow, answering 500, 401 or a page",
    "F8": "a model's files changed, cut short or swapped",
    "F9": "events delivered three times, late, out of order",
    "F10": "the clock two hours ahead, or set back an hour",
    "F11": "one feature 30, 60, 80, 100 % null",
    "F12": "an unknown member, campaign, category or offer",
    "F13": "an empty day, and a missing file",
    "F14": "everybody opted out",
    "F15": "nobody opted out: a feed that has lost its refusals",
    "F16": "two ids of one person",
    "F17": "a ten-fold day",
    "F18": "a manual run or a backfill during the schedule",
    "F19": "an erasure while a model is trained",
    "F20": "a restore from an older backup",
    "F21": "random sequences of events",
}

NOT_YET = "not in the measured run"


def reliability_page() -> str:
    """The page, as text. Raises ValueError where a promise has no test or a test failed: then there is nothing to print."""
    with MEASURED.open() as file:
        found = list(csv.DictReader(file))
    broken = [row["test"] for row in found if row["outcome"] != "passed"]
    missing = sorted(PROMISES.keys() - {row["promise"] for row in found})
    if broken or missing:
        raise ValueError(f"docs/measured/reliability.csv: not passed {broken}; without a test {missing}")
    by_promise = {name: list(rows) for name, rows in groupby(sorted(found, key=_order), key=lambda row: row["promise"])}
    kept = ((name, words, _tests(by_promise[name])) for name, words in PROMISES.items())
    injected = ((words, _tests(by_promise[name]) if name in by_promise else NOT_YET) for name, words in FAULTS.items())
    tests = len({row["test"] for row in found})
    return f"""# What must never happen, and how it was tried

Made by `make docs` from `docs/measured/reliability.csv`, which `make faults` writes: it runs every test that tries to break a promise, as often as the
promise asks for, on a real PostgreSQL, with real processes that are killed. {tests} tests, all passed. `make test` runs the same tests less often.

{grid(("", "promise", "tried by"), kept)}

## Faults that were injected

After each of them the views show one whole batch or none, nobody who is stopped is in it, the cause is told, the campaigns balance, and the next run heals what is left without a hand.

{grid(("fault", "rehearsed by"), injected)}
"""


def _order(row: dict[str, str]) -> tuple[str, int, str]:
    return row["promise"][0], int(row["promise"][1:]), row["test"]


def _tests(rows: list[dict[str, str]]) -> str:
    """Each test as a sentence, once, with the figures of all its cases."""
    told = []
    for name, cases in groupby(rows, key=lambda row: row["test"].split("::")[1].split("[")[0]):
        held = list(cases)
        figures = [row["figure"] for row in held if row["figure"]]
        words = name.removeprefix("test_").replace("_", " ")
        count = f" ({len(held)} cases)" if len(held) > 1 else ""
        told.append(f"{words}{count}" + (f": **{'; '.join(figures)}**" if figures else ""))
    return "<br>".join(told)
