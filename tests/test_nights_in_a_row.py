"""Four nights one after the other, started by the schedule's own ticks with the clock stopped at each: what monitoring says of them
together, and what the sensor makes of it.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import duckdb
import ibis
import pytest

from ml.drift_tables import DRIFT
from orchestration.schedule import nightly_schedule
from orchestration.sensors import retraining_sensor
from resources.platform import Platform
from resources.watched_nights import DRIFT_VERDICT, trained_for
from tests.installation import Installation, installation
from tests.small_club import POLICY, small_club
from tests.whole_night import run_job

pytestmark = pytest.mark.slow
TICKS = [datetime(2024, 3, day, 3, 0, tzinfo=UTC) for day in (12, 13, 14, 15)]
NIGHTS = ["2024-03-12", "2024-03-13", "2024-03-14", "2024-03-15"]


@pytest.fixture(scope="module")
def at() -> Iterator[Installation]:
    with installation() as made:
        made.hand_in(small_club(), POLICY + "[monitoring]\nfailing_nights = 2\n")
        schedule = nightly_schedule(Platform(made.settings))
        for tick in TICKS:
            request = schedule(dg.build_schedule_context(scheduled_execution_time=tick))
            assert isinstance(request, dg.RunRequest)
            result = run_job(made, "nightly", str(request.partition_key))
            assert result.success, tick
        yield made


def told(at: Installation, table: str, night: str, query: str) -> list[tuple[object, ...]]:
    path = at.home / "lake" / table / f"business_date={night}"
    return list(duckdb.sql(query.format(f"'{path}/*.parquet'")).fetchall())


def test_each_tick_ran_the_night_of_its_date(at: Installation) -> None:
    assert at.rows("SELECT DISTINCT business_date::text FROM platform.batches WHERE state <> 'staging' ORDER BY 1") == [
        (night,) for night in NIGHTS
    ]


def test_only_from_the_fourth_night_on_is_there_a_usual_to_compare_with(at: Installation) -> None:
    query = "SELECT DISTINCT report FROM {} ORDER BY 1"
    assert told(at, "drift", NIGHTS[2], query) == [("drift-since-training",)]
    assert told(at, "drift", NIGHTS[3], query) == [
        ("decisions-against-the-last-nights",),
        ("drift-from-the-last-nights",),
        ("drift-since-training",),
    ]


def test_one_night_after_another_of_a_quiet_club_is_as_usual(at: Installation) -> None:
    query = "SELECT count(*) FROM {} WHERE report LIKE '%last-nights' AND verdict = 'fail'"
    [(failed,)] = told(at, "drift", NIGHTS[3], query)
    assert failed == 0


def test_nights_whose_campaigns_still_run_have_no_label_yet_and_say_so(at: Installation) -> None:
    rows = told(at, "performance", NIGHTS[3], "SELECT figure, value, says FROM {} WHERE figure = 'auc'")
    assert rows == [("auc", None, "fewer than 20 members were mailed")]


def test_the_sensor_leaves_a_champion_of_tonight_alone(at: Installation) -> None:
    platform = Platform(at.settings)
    answer = retraining_sensor(platform)(dg.build_sensor_context())
    assert isinstance(answer, dg.SkipReason)
    champion = trained_for(platform)
    words = (
        f"the champion was trained for {champion}, the newest night" if champion == TICKS[-1].date() else "nothing asks"
    )
    assert str(answer.skip_message).startswith(words)


def test_drift_for_two_nights_in_a_row_asks_for_one_training_with_its_reason(at: Installation) -> None:
    """Two more nights are written as monitoring would have, in both of which a column fails that never did before."""
    platform = Platform(at.settings)
    rows = platform.lake.read(DRIFT, NIGHTS[-1]).to_pandas()
    new = rows[(rows.report == "drift-since-training") & (rows.verdict == "pass")].column_name.iloc[0]
    rows.loc[(rows.report == "drift-since-training") & (rows.column_name == new), "verdict"] = "fail"
    for night in ("2024-03-16", "2024-03-17"):
        platform.lake.write(DRIFT, night, ibis.memtable(rows, schema=DRIFT.schema), notes={DRIFT_VERDICT: "fail"})
    sensor = retraining_sensor(platform)
    answer = sensor(dg.build_sensor_context())
    assert isinstance(answer, dg.SensorResult)
    [request] = answer.run_requests or []
    assert request.partition_key == "2024-03-17"
    why = request.tags["hemsil/why"]
    assert why.startswith("drift has failed for 2 nights in a row: ")
    assert new in why
    again = sensor(dg.build_sensor_context(cursor=answer.cursor))
    assert isinstance(again, dg.SkipReason)
    assert "drift fail, in nothing new" in str(again.skip_message)  # the same columns were asked about
