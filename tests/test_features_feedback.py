"""What a member has said of an offer, or of a part of it, speaks for or against it, less with time."""

import numpy as np
import pyarrow as pa
import pytest

from ml.examples import night_asks, offer_rows, offered
from ml.features import feature_tables
from ml.fitting import MONOTONE
from ml.inputs import Inputs
from tests.past_world import NIGHT, shop

pytestmark = pytest.mark.both_engines

# The night begins on 15 March at 23:00 UTC of the 14th; 180 days before that is 16 September.
SAID = """
    feedback_id | member_id | scope    | scope_id | verdict        | recorded_at
    f1          | ada       | category | Coffee   | not_for_me     | 2023-09-16T23:00
    f2          | bo        | product  | loaf     | not_for_me     | 2024-01-01T12:00
    f3          | bo        | product  | loaf     | more_like_this | 2024-03-14T22:59
    f4          | bo        | offer    | s-beans  | not_for_me     | 2024-03-14T23:00"""  # f4: as the night begins, too late


def test_a_word_weighs_by_its_age_and_the_part_of_the_offer_and_the_last_word_counts() -> None:
    club = shop(feedback=SAID)
    asks = night_asks(club, NIGHT)
    rows = offer_rows(club, offered(club, asks), feature_tables(club, asks)).to_pyarrow().to_pylist()
    told = {(r["member_id"], r["offer_id"]): (r["against_recent"], r["liked_recent"]) for r in rows}
    assert np.allclose(told["ada", "s-beans"], (0.5, 0))  # all of it is coffee, said one half-life ago
    assert np.allclose(told["ada", "s-all"], (0.25, 0))  # half of it is
    assert np.allclose(told["bo", "s-all"], (0, 0.5), atol=1e-4)  # taken back a minute ago
    assert told["bo", "s-beans"] == (0, 0)  # nothing said before the night


def test_a_club_that_keeps_no_feedback_has_the_features_at_zero_and_its_model_does_not_read_them() -> None:
    club = shop()
    asks = night_asks(club, NIGHT)
    rows = offer_rows(club, offered(club, asks), feature_tables(club, asks)).to_pyarrow()
    assert {(r["against_recent"], r["liked_recent"]) for r in rows.to_pylist()} == {(0, 0)}
    names = ("against_recent", "liked_recent", "products")
    assert Inputs.seen_in(rows, names, frozenset()).amounts == ("products",)
    some = pa.table({"against_recent": [0.0, 0.5], "liked_recent": [0.0, 0.0], "products": [1.0, 2.0]})
    assert Inputs.seen_in(some, names, frozenset()).amounts == ("against_recent", "products")


def test_a_refusal_never_raises_relevance_and_a_wish_for_more_never_lowers_it() -> None:
    assert (MONOTONE["against_recent"], MONOTONE["liked_recent"]) == (-1, 1)
