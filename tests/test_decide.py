"""What must hold of every night's decision, on random nights. Single nights are in test_decide_by_hand.py."""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.reasons import Reason
from tests.nights import EVENTS, NIGHT, POLICY, Theatre, night_of
from tests.rule_world import Row

few = settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
ORDER = [str(code) for code in Reason]


@pytest.fixture(scope="module")
def theatre() -> Theatre:
    return Theatre()


@pytest.fixture(scope="module")
def alone() -> Theatre:
    return Theatre(threads=1)


@few
@given(events=EVENTS)
def test_every_night_balances_and_keeps_every_limit(theatre: Theatre, events: Mapping[str, Any]) -> None:
    tables = night_of(events)
    night = theatre.play(tables)
    offered = {(row["campaign_id"], row["member_id"]) for row in night["offers"]}
    stopped = [(row["campaign_id"], row["member_id"]) for row in night["suppressed"]]
    audience = {(row["campaign_id"], row["member_id"]) for row in tables["audiences"]}
    assert offered | set(stopped) == audience
    assert len(offered) + len(stopped) == len(audience)
    assert not offered & set(stopped)
    classes = {row["campaign_id"]: row["message_class"] for row in tables["campaigns"]}
    assert all(row["message_class"] == classes[row["campaign_id"]] for row in night["offers"])
    limits_hold(night["offers"], tables)
    reasons_stand_in_order(night)
    consent_holds(night["offers"], tables)


def limits_hold(offers: list[Row], tables: Mapping[str, list[Row]]) -> None:
    caps = POLICY.caps
    classes = {row["campaign_id"]: row["message_class"] for row in tables["campaigns"]}
    limited = [row for row in offers if classes[row["campaign_id"]] != "service"]
    week = NIGHT.as_of - timedelta(days=7)
    sent = {
        (row["member_id"], row["campaign_id"], row["channel"], row["sent_at"])
        for row in tables["mailings"]
        if row["sent_at"] >= week and classes[row["campaign_id"]] != "service"
    }
    before = Counter(member for member, *_ in sent)
    messages = Counter(member for member, _ in {(row["member_id"], row["campaign_id"]) for row in limited})
    # What was sent before may be over the limit already; then tonight adds nothing.
    assert all(n + before[member] <= caps.messages_per_week for member, n in messages.items())
    assert (
        max(Counter((row["member_id"], row["campaign_id"]) for row in limited).values(), default=0)
        <= caps.offers_per_message
    )
    assert max(Counter(row["member_id"] for row in limited).values(), default=0) <= caps.offers_per_night
    of_category = {"coffee": "HOT DRINKS", "friele": "HOT DRINKS", "tea": "HOT DRINKS"}
    assert (
        max(
            Counter((r["member_id"], of_category.get(r["offer_id"], r["offer_id"])) for r in limited).values(),
            default=0,
        )
        <= caps.offers_per_category
    )
    kinds = {row["offer_id"]: row["kind"] for row in tables["offers"]}
    for member in {row["member_id"] for row in limited}:
        held = [kinds[row["offer_id"]] for row in limited if row["member_id"] == member]
        month = [
            kinds[r["offer_id"]]
            for r in tables["mailings"]
            if r["member_id"] == member
            and r.get("offer_id")
            and classes[r["campaign_id"]] != "service"
            and r["sent_at"] >= NIGHT.as_of - timedelta(days=30)
        ]
        discounts = (held + month).count("discount")
        # Tonight adds a discount only where the share of the month allows it.
        assert "discount" not in held or discounts <= caps.discount_share * max(len(held + month), caps.discount_from)
    channels = defaultdict(set)
    slots = defaultdict(list)
    for row in offers:
        channels[row["member_id"], row["campaign_id"]].add(row["channel"])
        slots[row["member_id"]].append(row["slot"])
    assert all(len(used) == 1 for used in channels.values())
    assert all(sorted(held) == list(range(1, len(held) + 1)) for held in slots.values())


def reasons_stand_in_order(night: Mapping[str, list[Row]]) -> None:
    for row in night["ledger"]:
        codes = [failed["code"] for failed in row["failures"]]
        assert (row["verdict"] == "send") == (codes == [])
        assert row["reason"] == (codes[0] if codes else None)
        assert codes == sorted(codes, key=ORDER.index)
        assert all(failed["margin"] < 0 for failed in row["failures"])
        assert row["detail"]
        if {"ERASED", "ALREADY_SENT", "CONTROL_GROUP"} & set(codes):  # nothing would let it through
            assert row["would_pass_if"] is None
        assert 0 < row["propensity"] <= 1
    assert all(row["reasons"][0] == row["reason"] for row in night["suppressed"])


def consent_holds(offers: list[Row], tables: Mapping[str, list[Row]]) -> None:
    """Told again in plain Python: the last word on the channel or on all is a yes, and only by more than a tie."""
    classes = {row["campaign_id"]: row["message_class"] for row in tables["campaigns"]}
    for row in offers:
        if classes[row["campaign_id"]] == "service":
            continue
        words = [
            (said["recorded_at"], not said["granted"])  # of the same instant the no sorts last
            for said in tables["consents"]
            if said["member_id"] == row["member_id"] and said["channel"] in (row["channel"], "all")
        ]
        assert words, "mailed without a word of consent"
        assert max(words)[1] is False, "mailed after a withdrawal"


WORDS = {"tea": ("1", "2"), "bread": ("0",)}  # of children, whom the offers are for


@few
@given(events=EVENTS)
def test_what_a_member_declared_decides_alone_whatever_they_buy(theatre: Theatre, events: Mapping[str, Any]) -> None:
    """Told again in plain Python: the last word, of one instant the first by value, while it is younger than 20 days."""
    tables = night_of(events)
    night = theatre.play(tables)
    said: dict[str, tuple[datetime, str]] = {}
    for row in sorted(tables["declared_facts"], key=lambda row: str(row["value"]), reverse=True):
        if row["member_id"] not in said or row["declared_at"] >= said[row["member_id"]][0]:
            said[row["member_id"]] = (row["declared_at"], row["value"])
    fresh = {m: value for m, (at, value) in said.items() if at.date() + timedelta(days=20) > NIGHT.business_date}
    for row in night["ledger"]:
        stopped = "DECLARED_MISMATCH" in {failed["code"] for failed in row["failures"]}
        allowed = WORDS.get(row["offer_id"])
        member = row["member_id"]
        assert stopped == (allowed is not None and member in fresh and fresh[member] not in allowed)
    offered = {(row["member_id"], row["offer_id"]) for row in night["offers"]}
    assert not {(m, o) for m, value in fresh.items() for o, allowed in WORDS.items() if value not in allowed} & offered


@settings(few, max_examples=3)
@given(events=EVENTS)
def test_the_same_seed_gives_the_same_night_on_one_thread_and_on_two(
    theatre: Theatre, alone: Theatre, events: Mapping[str, Any]
) -> None:
    tables = night_of(events)
    here, again, there = theatre.play(tables), theatre.play(tables), alone.play(tables)
    for name, rows in here.items():
        assert sorted(again[name], key=str) == sorted(rows, key=str)
        assert sorted(there[name], key=str) == sorted(rows, key=str)


@settings(few, max_examples=4)
@given(events=EVENTS, chance=st.randoms(use_true_random=False))
@pytest.mark.promise("F9")
def test_neither_the_order_of_rows_nor_sharding_by_member_changes_anything(
    theatre: Theatre, events: Mapping[str, Any], chance: random.Random
) -> None:
    tables = night_of(events)
    whole = theatre.play(tables)["ledger"]
    shuffled = {name: chance.sample(rows, len(rows)) for name, rows in tables.items()}
    assert theatre.play(shuffled)["ledger"] == whole
    shards = []
    for members in (("anna", "bo"), ("carl", "dina")):
        scores = [row for row in tables["scores"] if row["member_id"] in members]
        shards += theatre.play({**tables, "scores": scores})["ledger"]
    assert sorted(shards, key=str) == sorted(whole, key=str)
