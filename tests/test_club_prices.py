"""What a unit of a category has cost: the same whether sums are made by time or at once for a single moment."""

from datetime import datetime

import ibis
import pytest

from ml.features_category import club_prices
from tests.past_world import shop


@pytest.mark.parametrize("one_moment", [False, True])
def test_the_price_of_a_unit_is_what_was_paid_and_spared_before_the_moment(one_moment: bool) -> None:
    club = shop(transactions="""
        member_id | product_id | occurred_at      | quantity | amount | discount
        ada       | loaf       | 2024-03-01T10:00 | 1        | 20     | 10
        bo        | loaf       | 2024-03-02T10:00 | 3        | 60     | 0
        carl      | loaf       | 2024-03-14T10:00 | 1        | 900    | 0""")  # fmt: skip
    moment = ibis.memtable({"as_of": [datetime(2024, 3, 10)]})
    (row,) = club_prices(club, moment, one_moment).to_pyarrow().to_pylist()
    assert row["unit_price"] == pytest.approx(90 / 4)
