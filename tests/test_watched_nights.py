"""What the sensor reads of the nights' monitoring: which columns failed against training, whatever else the table tells."""

from datetime import date

import ibis
import pandas as pd
import pytest

from ml.drift_tables import DRIFT
from ml.retraining import NOTHING, SO_MANY
from resources.engine import open_engine
from resources.lake import Lake
from resources.settings import Settings
from resources.watched_nights import DRIFT_VERDICT, known_to_fail, watched_nights

FIRST, SECOND = "2024-03-14", "2024-03-15"


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return Lake(settings.lake, open_engine(settings))


def watched(lake: Lake, night: str, verdict: str, *columns: tuple[str, str, float], report: str = "drift-since-training") -> None:  # fmt: skip
    """A night's drift: columns by name, verdict and distance, of which 0.2 passes."""
    rows = pd.DataFrame(columns, columns=["column_name", "verdict", "value"])
    rows = rows.assign(
        report=report, kind="numeric", method="wasserstein", threshold=0.2, rows_current=100, rows_reference=100, reason="said"
    ).reindex(columns=list(DRIFT.names))  # fmt: skip
    lake.write(DRIFT, night, ibis.memtable(rows, schema=DRIFT.schema), notes={DRIFT_VERDICT: verdict})


def test_the_columns_that_failed_are_told_by_name_and_those_that_warned_are_not(lake: Lake) -> None:
    watched(lake, FIRST, "pass", ("price", "pass", 0.1), ("visits", "pass", 0.1), ("spend", "pass", 0.1), ("age", "pass", 0.0))  # fmt: skip
    watched(lake, SECOND, "fail", ("price", "fail", 3.0), ("visits", "warn", 0.1), ("spend", "pass", 0.1), ("age", "pass", 0.0))  # fmt: skip
    assert [(n.night.isoformat(), n.drift, n.failed) for n in watched_nights(lake, 3, 0.3)] == [
        (FIRST, "pass", frozenset()),
        (SECOND, "fail", {"price"}),
    ]


def test_too_many_columns_that_drifted_a_little_are_a_failing_of_their_own(lake: Lake) -> None:
    watched(lake, FIRST, "fail", ("price", "warn", 0.3), ("visits", "warn", 0.3), ("spend", "pass", 0.1))
    assert watched_nights(lake, 1, 0.3)[0].failed == {SO_MANY}


def test_a_night_that_could_compare_nothing_has_failed_in_that(lake: Lake) -> None:
    watched(lake, FIRST, "fail", ("price", "fail", 3.0), report="drift-from-the-last-nights")
    assert watched_nights(lake, 1, 0.3)[0].failed == {NOTHING}


def test_what_is_known_to_fail_is_of_the_nights_named_and_of_unwatched_ones_nothing(lake: Lake) -> None:
    watched(lake, FIRST, "fail", ("tenure", "fail", 3.0), *((f"c{n}", "pass", 0.0) for n in range(5)))
    watched(lake, SECOND, "fail", ("price", "fail", 3.0), *((f"c{n}", "pass", 0.0) for n in range(5)))
    assert known_to_fail(lake, [date(2024, 3, 14), None], 0.3) == {"tenure"}
    assert known_to_fail(lake, [date(2024, 3, 13)], 0.3) == frozenset()
