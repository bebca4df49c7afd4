"""Weeks in which the invented club's members live with our own decisions, made by the night's functions."""

import csv
import io
from pathlib import Path

import pytest
from rich.console import Console

from hemsil.six_months import OTHERS, OURS, run_six_months
from resources.settings import Settings


@pytest.mark.slow
def test_members_live_with_our_decisions_beside_other_ways_with_the_same_luck(tmp_path: Path) -> None:
    said = Console(file=io.StringIO(), width=200)
    settings = Settings(home=tmp_path / "home", source="simulated")
    run_six_months(settings, members=1_000, seed=1, history=40, weeks=2, save=tmp_path, console=said)
    with (tmp_path / "half_year.csv").open() as file:
        weeks = [{k: v if k == "way" else float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    assert {row["way"] for row in weeks} == {OURS, *OTHERS}
    by = {(row["way"], row["week"]): row for row in weeks}
    for week in (0, 1):
        ours, everyone, nobody = (by[way, week] for way in (OURS, "mail everyone", "mail nobody"))
        assert 0 < ours["messages"] < everyone["messages"]
        assert by["at random, as many", week]["messages"] == pytest.approx(ours["messages"], abs=3)
        assert (
            ours["reached"] / ours["relevant"]
            > by["at random, as many", week]["reached"] / by["at random, as many", week]["relevant"]
        )
        # Of a club this small a week adds an answer or two, whoever chooses: who adds more is what the half year tells.
        assert ours["added"] > nobody["added"] == 0
        assert nobody["annoyance"] < ours["annoyance"] < everyone["annoyance"]
    assert by["all-knowing", 0]["stopped"] == by["all-knowing", 0]["irrelevant"]
    with (tmp_path / "truth.csv").open() as file:
        figures = {(row["curve"], row["of"], row["x"]): float(row["y"]) for row in csv.DictReader(file)}
    assert figures["relevance, losing", "our scores", "0.1"] <= figures["relevance, losing", "the true chance", "0.1"]
