"""A month of nights by the schedule's own ticks with a stopped clock, on an invented club that hands over its tables each morning:
nobody does anything by hand, and every night there are offers, a model that is told of, and figures that fill up as labels mature.
How the month is played is in benchmarks/month.py.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from benchmarks.month import MEMBERS, WEEKS, Month, Played
from resources.embedded_postgres import EmbeddedPostgres
from simulator.club import InventedClub
from simulator.plan import LAST_MONDAY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(5_400)]
NIGHTS = 30
PROMOTED_OR_WHY = ("against", "keeps", "calibration error", "alone has AUC", "no challenger")


@dataclass(frozen=True)
class Lived:
    """The month, night by night, and where its data is."""

    nights: list[Played]
    home: Path


@pytest.fixture(scope="module")
def month() -> Iterator[Lived]:
    with tempfile.TemporaryDirectory(prefix="hemsil-month-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with pytest.MonkeyPatch.context() as patch:
            for variable, value in Month(folder, InventedClub(MEMBERS, 1, WEEKS)).variables.items():
                patch.setenv(variable, value)
            try:
                yield Lived(list(Month(folder, InventedClub(MEMBERS, 1, WEEKS)).play(NIGHTS)), folder / "home")
            finally:
                EmbeddedPostgres(folder / "home" / "postgres").down()


def told(month: Lived, table: str, query: str) -> list[tuple[object, ...]]:
    """A query over all nights of a lake table."""
    source = f"read_parquet('{month.home}/lake/{table}/*/*.parquet', hive_partitioning = true)"
    return list(duckdb.sql(query.format(source)).fetchall())


def test_every_tick_has_one_night_and_every_night_one_batch(month: Lived) -> None:
    first = LAST_MONDAY - timedelta(days=NIGHTS - 1)
    assert [n.night for n in month.nights] == [first + timedelta(days=day) for day in range(NIGHTS)]
    assert [(n.succeeded, n.batches, n.failed) for n in month.nights] == [(True, 1, "")] * NIGHTS


def test_nothing_that_the_club_had_not_handed_over_yet_was_taken_for_a_fault(month: Lived) -> None:
    assert {n.quarantined for n in month.nights} == {0}


def test_every_night_says_how_old_its_model_is_and_none_is_too_old(month: Lived) -> None:
    scored = [n for n in month.nights if n.model != "rules"]
    assert len(scored) == NIGHTS
    assert all(n.model_age_days is not None and n.model_age_days <= 28 for n in scored)
    assert {n.step for n in month.nights} == {"A"}


def test_every_challenger_is_promoted_or_refused_with_its_reason(month: Lived) -> None:
    assert all(n.trained for n in month.nights)
    assert all(any(words in n.why for words in PROMOTED_OR_WHY) for n in month.nights), [n.why for n in month.nights]
    assert any(n.promoted and n.leads for n in month.nights)


def test_the_model_that_scores_is_the_newest_that_was_promoted(month: Lived) -> None:
    before: str | None = None
    for n in month.nights:
        assert n.model == (n.trained if n.promoted and n.leads else before), n
        before = n.champion  # the night's own, or one that was trained out of turn after it


def test_training_out_of_turn_is_no_treadmill(month: Lived) -> None:
    """However the month went, at most one a week, and never on the night after a training was promoted for that very night."""
    asked = [n.night for n in month.nights if n.asked]
    assert all(later - earlier >= timedelta(days=7) for earlier, later in pairwise(asked))
    assert not [n for n in month.nights if n.asked and n.leads]


def test_the_same_drift_asks_once_while_the_champion_stays(month: Lived) -> None:
    asked = [(n.champion, n.asked) for n in month.nights if n.asked.startswith("drift")]
    assert len(set(asked)) == len(asked)


def test_performance_fills_up_as_labels_mature(month: Lived) -> None:
    mailings = [n.mailings or 0 for n in month.nights]
    assert mailings[0] == 0
    assert mailings == sorted(mailings)  # nothing that was known is forgotten within the month
    assert mailings[-1] >= 300
    last = month.nights[-1]
    assert last.answers is not None
    assert last.answers >= 30
    assert last.auc is not None
    assert 0.5 < last.auc < 1
    versions = told(month, "performance", "SELECT DISTINCT model_version FROM {} WHERE model_version <> 'all'")
    assert {version for (version,) in versions} <= {n.model for n in month.nights}
    assert versions


def test_before_there_are_labels_the_table_says_so(month: Lived) -> None:
    night = month.nights[0].night
    query = f"SELECT DISTINCT says FROM {{}} WHERE business_date = '{night}' AND figure = 'auc'"
    assert told(month, "performance", query) == [("fewer than 20 members were mailed",)]


def test_drift_has_a_history_that_grows_by_a_night_each_night(month: Lived) -> None:
    nights = told(month, "drift", "SELECT count(DISTINCT business_date) FROM {} WHERE report = 'drift-since-training'")
    assert nights == [(NIGHTS,)]
    usual = told(
        month, "drift", "SELECT count(DISTINCT business_date) FROM {} WHERE report = 'drift-from-the-last-nights'"
    )
    assert usual == [(NIGHTS - 3,)]
    scored = told(
        month, "drift", "SELECT count(DISTINCT business_date) FROM {} WHERE column_name = 'mailing_relevance'"
    )
    assert scored == [(NIGHTS - 3,)]


def test_a_report_of_every_night_is_kept(month: Lived) -> None:
    assert len(list((month.home / "reports").glob("2023-*/drift-since-training.html"))) == NIGHTS
    assert len(list((month.home / "reports").glob("2023-*/model-card.html"))) == NIGHTS
