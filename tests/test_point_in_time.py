"""Nothing from the future: deleting it changes nothing, and training sees the rows that the night saw."""

import pandas as pd
import pytest

from ml.backtest import asks_of, rows_of
from ml.club import Club, visible
from ml.examples import mailing_rows, night_asks, offer_rows, offered, training_rows
from ml.features import feature_tables
from ml.night import Night
from ml.policy import Policy
from tests.past_world import club_by_taste, on_engine


@pytest.fixture(scope="module")
def club() -> Club:
    """240 members with 40 weeks of purchases; campaigns carry eight offers, without naming one."""
    return on_engine(club_by_taste(campaigns=6)[0])


def first_night(club: Club, campaign: str) -> Night:
    starts = club.campaigns.filter(club.campaigns.campaign_id == campaign).starts_on.max().to_pyarrow().as_py()
    return Night(starts, "Europe/Oslo")


def both_grains(club: Club, night: Night) -> tuple[pd.DataFrame, pd.DataFrame]:
    asks = night_asks(club, night)
    tables = feature_tables(club, asks)
    pairs = offered(club, asks)
    return sorted_rows(mailing_rows(club, asks, tables).to_pandas()), sorted_rows(
        offer_rows(club, pairs, tables).to_pandas()
    )


def sorted_rows(rows: pd.DataFrame) -> pd.DataFrame:
    keys = [c for c in ("campaign_id", "member_id", "offer_id") if c in rows]
    return rows.sort_values(keys).reset_index(drop=True)


def as_learned(rows: pd.DataFrame) -> pd.DataFrame:
    """Amounts in the four bytes that a model reads of them."""
    return rows.astype(dict.fromkeys(rows.select_dtypes("float64"), "float32"))


@pytest.mark.promise("R9")
def test_deleting_the_future_changes_no_feature(club: Club) -> None:
    night = first_night(club, "c3")
    with_future = both_grains(club, night)
    without = both_grains(on_engine(visible(club, night)), night)
    for knows, does_not in zip(with_future, without, strict=True):
        pd.testing.assert_frame_equal(knows, does_not, rtol=1e-9)


@pytest.mark.promise("R9")
def test_training_sees_the_rows_that_the_night_saw(club: Club) -> None:
    then, later = first_night(club, "c3"), first_night(club, "c5")
    at_the_time = both_grains(visible(club, then), then)
    afterwards = training_rows(visible(club, later), later)
    examples = sorted_rows(afterwards.mailings.to_pandas().query("campaign_id == 'c3'"))
    assert len(examples) == 240
    pd.testing.assert_frame_equal(examples.drop(columns=["opened", "answered"]), as_learned(at_the_time[0]), rtol=1e-6)
    choices = sorted_rows(afterwards.offers.to_pandas().query("campaign_id == 'c3'"))
    seen = at_the_time[1][at_the_time[1].member_id.isin(choices.member_id)].reset_index(drop=True)
    assert len(choices) > 200
    pd.testing.assert_frame_equal(choices.drop(columns=["opened", "answered"]), as_learned(seen), rtol=1e-6)


@pytest.mark.promise("R9")
def test_examples_of_one_night_are_those_that_a_later_night_makes_of_the_same_past(club: Club) -> None:
    early, late = first_night(club, "c3"), first_night(club, "c5")
    known = training_rows(visible(club, early), early).mailings.to_pandas()
    again = training_rows(visible(club, late), late).mailings.to_pandas()
    again = again[again.closes_at <= early.as_of]
    pd.testing.assert_frame_equal(sorted_rows(known), sorted_rows(again), rtol=1e-9)


def test_another_campaign_asked_of_at_the_same_time_changes_nothing(club: Club) -> None:
    night = first_night(club, "c3")
    seen = visible(club, night)
    asks = night_asks(seen, night)
    few = asks.filter(asks.member_id.isin(["m1", "m2"]))
    every = sorted_rows(mailing_rows(seen, asks).to_pandas().query("member_id in ('m1', 'm2')"))
    pd.testing.assert_frame_equal(sorted_rows(mailing_rows(seen, few).to_pandas()), every, rtol=1e-9)


@pytest.mark.slow
@pytest.mark.promise("R9")
def test_a_backtest_shows_the_model_the_rows_that_the_night_itself_showed_it(club: Club) -> None:
    early, late = first_night(club, "c3"), first_night(club, "c5")
    policy = Policy.parse('[consent]\nassume = "audience"')
    asks = {night: asks_of(club, night, [name], policy) for night, name in ((early, "c3"), (late, "c5"))}
    of_both_nights = asks[early].union(asks[late]).select("as_of", "campaign_id", "member_id")
    tables = feature_tables(visible(club, late), of_both_nights).kept()  # once for all, as the last night saw them
    replayed = [rows.to_pandas() for rows in rows_of(club, early, asks[early], tables, "choice")]
    for of_backtest, of_night in zip(replayed, both_grains(visible(club, early), early), strict=True):
        assert len(of_night) in (240, 8 * 240)
        pd.testing.assert_frame_equal(sorted_rows(of_backtest), of_night, rtol=1e-9)


def test_whoever_was_not_mailed_is_not_judged_by(club: Club) -> None:
    """A member who was sent nothing could not answer, which is no merit of a model that stopped the message."""
    few = Club.of(club.tables() | {"mailings": club.mailings.filter(club.mailings.member_id != "m7")})
    policy = Policy.parse('[consent]\nassume = "audience"')
    asked = asks_of(few, first_night(club, "c3"), ["c3"], policy).member_id.to_pyarrow().to_pylist()
    assert len(asked) == 239
    assert "m7" not in asked
