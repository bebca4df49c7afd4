"""`hemsil six-months`: half a year in which the invented club's members live with our decisions, beside other ways of mailing
them; and how near our scores come to the truth meanwhile. What a week of a way does is in simulator/half_year.py.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.progress import track
from rich.table import Table as Grid

from hemsil.known_truth import Known
from ml.model import RelevanceModel
from resources.home import prepare_home
from resources.invented_nights import letters_of, rehearsal, set_apart
from resources.platform import Platform
from resources.settings import Settings
from resources.trainer import training_config
from simulator import ways
from simulator.club import InventedClub
from simulator.half_year import Way, Week, live_a_week
from simulator.mailing import habitual
from simulator.side_by_side import SideBySide

BAGS, BLOCKS = 3, 2  # of each model; the night's have more
RETRAINED = 4  # weeks that a model decides before the next one, trained on what was sent since as well
OURS = "our decisions"
OTHERS: Mapping[str, Way] = {
    "mail everyone": ways.everyone,
    "by popularity, as many": ways.popular,
    "at random, as many": ways.by_lot,
    "mail nobody": ways.nobody,
    "all-knowing": ways.all_knowing,
}
Rows = list[dict[str, object]]


def run_six_months(
    settings: Settings, members: int, seed: int, history: int, weeks: int, save: Path | None, console: Console
) -> None:
    """Live the half year in every way and print it; with `save`, write half_year.csv and truth.csv into that folder, anew after every
    week. Raises InputError where a decision is against a member's word, TooFewExamples."""
    prepare_home(settings)
    platform = Platform(settings.model_copy(update={"source": "simulated"}))
    club, known = SideBySide(InventedClub(members, seed, history + weeks)), Known()
    for _ in track(range(history), "the years before", console=console, transient=True):
        club.live(habitual, known.watch(club))
    others = {name: club.branch() for name in OTHERS}
    chance = {name: np.random.default_rng(seed) for name in OTHERS}
    costs = platform.policy.value.contact_cost.model_dump()
    told: dict[str, list[Week]] = {OURS: [], **{name: [] for name in OTHERS}}
    for week in track(_ours(platform, club, known, weeks), "the half year", weeks, console=console, transient=True):
        told[OURS].append(week)
        for name, way in OTHERS.items():
            letters = way(others[name], int(week.messages), chance[name])
            told[name].append(live_a_week(others[name], letters, costs))
        if save:
            about = {"members": members, "seed": seed, "history": history}
            _write(save / "half_year.csv", [about | row for row in _by_week(told)])
            _write(save / "truth.csv", [about | row for row in known.figures()])
    console.print(_grid(told, members))
    for row in known.figures():
        if row["curve"] in ("at the decision", "calibration error"):
            console.print(f"{row['curve']}: {row['of']} {row['y']:.3f} of {row['rows']:,}")


def _by_week(told: Mapping[str, list[Week]]) -> Rows:
    return [{"way": name, "week": n} | asdict(week) for name, lived in told.items() for n, week in enumerate(lived)]


def _ours(platform: Platform, club: SideBySide, known: Known, weeks: int) -> Iterator[Week]:
    """The half year by our decisions, a week at a time; the model is trained before the first, and again every RETRAINED weeks."""
    folder = platform.settings.home / "six-months"
    costs = platform.policy.value.contact_cost.model_dump()
    ledgers = list[pa.Table]()
    for week in range(weeks):
        if week % RETRAINED == 0:
            model, taught = _models(platform, club, known, folder)
        night = rehearsal(club, platform.engine, platform.policy, platform.source.timezone, folder)
        rows = night.rows(model)
        ledger = night.decide(rows, model, pa.concat_tables(ledgers) if ledgers else None)
        ledgers.append(ledger)
        apart = set_apart(ledger)
        known.night(club, ledger, rows[1], taught.offer_relevance(rows[1])[0], apart)
        yield live_a_week(club, letters_of(ledger, club), costs, apart, known.watch(club))


def _models(platform: Platform, club: SideBySide, known: Known, folder: Path) -> tuple[RelevanceModel, RelevanceModel]:
    """(ours, the same taught the truth instead of the answers)."""
    night = rehearsal(club, platform.engine, platform.policy, platform.source.timezone, folder)
    config = replace(training_config(platform), bags=BAGS, blocks=BLOCKS)
    examples = night.examples()
    return night.learn(examples, config), night.learn(known.taught(examples), config)


def _grid(told: Mapping[str, list[Week]], members: int) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="dim")
    for heading in ("", "messages a member and week", "left or complained", "of 1,000 irrelevant stopped", "of 1,000 relevant reached", "answers added", "earned", "annoyance"):  # fmt: skip
        grid.add_column(heading, justify="right" if heading else "left")
    for name, weeks in told.items():
        total = {figure: sum(getattr(week, figure) for week in weeks) for figure in asdict(weeks[0])}
        grid.add_row(
            name, f"{total['messages'] / members / len(weeks):.2f}", f"{total['left'] + total['complained']:.0f}",
            f"{1000 * total['stopped'] / total['irrelevant']:.0f}", f"{1000 * total['reached'] / total['relevant']:.0f}",
            f"{total['added']:.0f}", f"{total['earned']:,.0f}", f"{weeks[-1].annoyance:.2f}",
        )  # fmt: skip
    return grid


def _write(path: Path, rows: Rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()} for row in rows)
