"""Scores of past mailings beside the truth of the invented club: what is printed and written is what may be counted by hand."""

import io
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from hemsil.backtest_truth import FILE, print_truth, truth_of
from simulator.club import InventedClub
from simulator.truth import RELEVANT

CLUB = InventedClub(members=500, seed=7, weeks=12)


@pytest.fixture(scope="module")
def truth() -> pd.DataFrame:
    return truth_of(CLUB)


def told(scores: pd.DataFrame, folder: Path) -> tuple[str, pd.DataFrame]:
    said = Console(file=io.StringIO(), width=200)
    print_truth(scores, CLUB, folder, said)
    return said.file.getvalue(), pd.read_csv(folder / FILE)


def scored(truth: pd.DataFrame, relevance: pd.Series) -> pd.DataFrame:
    """Scores of a mailing for each offer, with a threshold of 0.02, and a row for the mailing as a whole, which is passed over."""
    verdict = relevance.ge(0.02).map({True: "send", False: "suppress"})
    rows = pd.DataFrame(
        {"member_id": truth.member_id, "offer_id": truth.offer_id, "relevance": relevance, "verdict": verdict}
    )
    return pd.concat([rows, rows.head(1).assign(offer_id=None)], ignore_index=True)


def test_scores_that_are_the_truth_are_as_good_as_it_and_at_no_distance(truth: pd.DataFrame, tmp_path: Path) -> None:
    said, rows = told(scored(truth, truth.chance), tmp_path)
    by = {of: part.y.tolist() for of, part in rows[rows.curve == "relevance, losing"].groupby("of")}
    assert by["our scores"] == by["the true chance"]
    assert rows[rows.curve == "calibration error"].y.item() == pytest.approx(0, abs=1e-6)
    irrelevant, relevant = truth[truth.pull < RELEVANT], truth[truth.pull >= RELEVANT]
    stopped, lost = 1000 * (irrelevant.chance < 0.02).mean(), 1000 * (relevant.chance < 0.02).mean()
    assert (
        f"of 1,000 irrelevant ones the thresholds stop {stopped:.0f}, of 1,000 relevant ones they lose {lost:.0f}"
        in said
    )


def test_scores_that_know_nothing_stop_as_much_of_either(truth: pd.DataFrame, tmp_path: Path) -> None:
    blind = pd.Series(range(len(truth)), dtype=float).sample(frac=1, random_state=0, ignore_index=True) / len(truth)
    _, rows = told(scored(truth, blind), tmp_path)
    shares = rows[(rows.curve == "relevance, losing") & (rows.of == "our scores")].y.tolist()
    assert shares == pytest.approx([0.05, 0.10, 0.20], abs=0.03)
