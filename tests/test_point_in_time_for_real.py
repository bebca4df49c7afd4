"""Nothing from the future on The Complete Journey itself: deleting it changes no byte, and training makes, of a thousand
mailings drawn by chance, the very rows that their nights saw. Slow: minutes. The same on a small club: test_point_in_time.py.
"""

from collections.abc import Iterator
from datetime import date

import ibis
import numpy as np
import pyarrow as pa
import pytest

from ml.club import Club, visible
from ml.examples import mailing_rows, night_asks, training_asks
from ml.features import FeatureTables, feature_tables
from ml.kept import keep
from ml.night import Night
from ml.quality import check_tables
from resources.sources.complete_journey import CompleteJourney
from tests.past_world import on_engine
from tests.source_contract import NOW

pytestmark = pytest.mark.slow
ZONE = CompleteJourney.timezone
KEYS = ("as_of", "campaign_id", "member_id", "offer_id", "category", "department")


@pytest.fixture(scope="module")
def club() -> Iterator[Club]:
    """Every row of the package, the future included."""
    engine = ibis.duckdb.connect()
    engine.raw_sql("SET TimeZone = 'UTC'")
    yield on_engine(Club.of(check_tables(CompleteJourney(engine).tables(), NOW, {}).clean))
    engine.disconnect()


def in_order(rows: pa.Table) -> pa.Table:
    return rows.sort_by([(k, "ascending") for k in KEYS if k in rows.column_names]).combine_chunks()


def differing(one: pa.Table, other: pa.Table) -> list[str]:
    return [name for name in one.column_names if not one[name].equals(other[name])]


def tables_of(club: Club, night: Night) -> FeatureTables:
    return feature_tables(club, keep(night_asks(visible(club, night), night)))


def test_deleting_the_future_changes_no_byte_of_a_nights_features(club: Club) -> None:
    night = Night(date(2017, 9, 20), ZONE)  # campaigns 14 and 15, from 2017 into 2018
    deleted = on_engine(visible(club, night))
    assert deleted.transactions.count().to_pyarrow().as_py() < club.transactions.count().to_pyarrow().as_py()
    knows, does_not = tables_of(club, night).tables(), tables_of(deleted, night).tables()
    for name in knows:
        one, other = (in_order(made[name].to_pyarrow()) for made in (knows, does_not))
        assert one.num_rows == other.num_rows > 0, name
        assert differing(one, other) == [], name


def test_training_makes_of_a_thousand_mailings_drawn_by_chance_the_rows_that_their_nights_saw(club: Club) -> None:
    last = Night(date(2018, 1, 1), ZONE)
    every = training_asks(visible(club, last), last).order_by("as_of", "campaign_id", "member_id").to_pyarrow()
    drawn = every.take(pa.array(np.sort(np.random.default_rng(20170101).permutation(every.num_rows)[:1000])))
    afterwards = in_order(mailing_rows(visible(club, last), ibis.memtable(drawn)).to_pyarrow())
    at_the_time = []
    for instant in sorted(set(drawn["as_of"].to_pylist())):
        night = Night(instant.date(), ZONE)  # the local midnight is some hours later in UTC, of the same date
        assert night.as_of == instant
        seen = visible(club, night)
        wanted = ibis.memtable(drawn).select("campaign_id", "member_id")
        asks = night_asks(seen, night).semi_join(wanted, ["campaign_id", "member_id"])
        at_the_time.append(mailing_rows(seen, keep(asks)).to_pyarrow())
    then = in_order(pa.concat_tables(at_the_time))
    then = then.join(
        drawn.select(["as_of", "campaign_id", "member_id"]), ["as_of", "campaign_id", "member_id"], join_type="inner"
    )
    then = in_order(then).select(afterwards.column_names)
    assert afterwards.num_rows == then.num_rows == 1000
    assert differing(afterwards, then) == []
