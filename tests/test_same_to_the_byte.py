"""The same past gives the same features and training rows to the last digit, in whatever order the club's rows come."""

import ibis
import numpy as np
import pyarrow as pa
import pytest

from ml.club import Club, visible
from ml.exact import GRID, total
from ml.examples import night_asks, training_rows
from ml.features import feature_tables
from ml.night import Night
from tests.past_world import club_by_taste, on_engine

MADE = club_by_taste(members=120, campaigns=4)


def shuffled(club: Club, seed: int) -> Club:
    """The same club with the rows of every table in another order."""
    rng = np.random.default_rng(seed)
    tables = {name: table.to_pyarrow() for name, table in club.tables().items()}
    return Club.of({n: ibis.memtable(t.take(pa.array(rng.permutation(t.num_rows)))) for n, t in tables.items()})


@pytest.fixture(scope="module")
def twice() -> tuple[tuple[Club, Night], tuple[Club, Night]]:
    club, night = MADE
    return (on_engine(club), night), (on_engine(shuffled(club, 7)), night)


def in_order(rows: pa.Table) -> pa.Table:
    keys = [k for k in ("as_of", "campaign_id", "member_id", "offer_id", "category") if k in rows.column_names]
    return rows.sort_by([(k, "ascending") for k in keys]).combine_chunks()


def differing(first: pa.Table, second: pa.Table) -> list[str]:
    a, b = in_order(first), in_order(second)
    return [name for name in a.column_names if not a[name].equals(b[name])]


def test_training_rows_are_the_same_in_whatever_order_the_club_hands_its_rows_over(
    twice: tuple[tuple[Club, Night], tuple[Club, Night]],
) -> None:
    one, other = (training_rows(visible(club, night), night) for club, night in twice)
    assert one.offers.num_rows > 200
    assert differing(one.mailings, other.mailings) == []
    assert differing(one.offers, other.offers) == []
    # In the order of their keys as they come: the same rows in another order would give another model.
    assert one.mailings.select(["campaign_id", "member_id"]).equals(
        in_order(one.mailings).select(["campaign_id", "member_id"])
    )
    assert one.offers["offer_id"].equals(in_order(one.offers)["offer_id"])


def test_so_are_the_feature_tables_of_a_night(twice: tuple[tuple[Club, Night], tuple[Club, Night]]) -> None:
    last = Night(max(twice[0][0].campaigns.starts_on.to_pyarrow().to_pylist()), "Europe/Oslo")
    made = [feature_tables(visible(club, last), night_asks(club, last)).tables() for club, _ in twice]
    for name in made[0]:
        one, other = (tables[name].to_pyarrow() for tables in made)
        assert one.num_rows > 0
        assert differing(one, other) == [], name


def test_a_sum_is_the_same_in_every_order() -> None:
    sums = {
        ibis.memtable({"x": order}).aggregate(s=lambda t: total(t.x)).to_pyarrow()["s"][0].as_py()
        for order in ([0.1, 0.2, 0.3, 1e6], [1e6, 0.3, 0.2, 0.1], [0.2, 1e6, 0.1, 0.3])
    }
    assert len(sums) == 1
    assert sums.pop() == pytest.approx(1_000_000.6, abs=4 / GRID)


def test_a_sum_of_nothing_is_nothing_and_not_nought() -> None:
    table = ibis.memtable({"x": [None, None]}, schema=ibis.schema({"x": "float64"}))
    assert table.aggregate(s=total(table.x)).to_pyarrow()["s"].to_pylist() == [None]
