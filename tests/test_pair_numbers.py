"""Numbers of pairs stand for what is asked about, and for nothing else."""

import ibis
import ibis.expr.types as ir
import pytest

from ml.examples import night_asks
from ml.pair_numbers import NUMBER, PAIR, PairNumbers
from tests.past_world import NIGHT, shop

pytestmark = pytest.mark.both_engines


def _names(rows: ir.Table) -> set[tuple[str, str, str]]:
    return {
        (row["campaign_id"], row["member_id"], row["offer_id"]) for row in rows.select(*PAIR).to_pyarrow().to_pylist()
    }


def test_every_ask_and_offer_of_its_campaign_has_one_number_and_its_names_back() -> None:
    club = shop()
    asks = night_asks(club, NIGHT)
    pairs = PairNumbers.of(club, asks)
    every = asks.inner_join(club.offers, "campaign_id").select(*PAIR)
    numbered = pairs.of_asked(pairs.of_offers(every))
    numbers = numbered[NUMBER].to_pyarrow().to_pylist()
    assert len(numbers) == len(set(numbers)) == every.count().to_pyarrow().as_py() > 1
    assert _names(pairs.named(numbered)) == _names(every)


def test_who_is_not_asked_about_and_an_offer_of_another_campaign_have_none() -> None:
    club = shop()
    asks = night_asks(club, NIGHT)
    campaign = asks.campaign_id.min().to_pyarrow().as_py()
    pairs = PairNumbers.of(club, asks.filter(asks.campaign_id == campaign))
    offers = club.offers.select("campaign_id", "offer_id")
    assert {row["campaign_id"] for row in pairs.of_offers(offers).to_pyarrow().to_pylist()} == {campaign}
    stranger = pairs.asks.drop("ask").mutate(member_id=ibis.literal("stranger"), offer=ibis.literal(0))
    assert pairs.of_asked(stranger).count().to_pyarrow().as_py() == 0
