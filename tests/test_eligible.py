"""Who may not be written to is not predicted for; and nothing that is published hangs on it."""

from collections.abc import Mapping
from typing import Any

import ibis
import pytest
from hypothesis import HealthCheck, given, settings

from ml.club import Club
from ml.eligible import may_be_written_to
from ml.policy import Policy
from ml.source_tables import SOURCE_TABLES
from tests.nights import EVENTS, NIGHT, POLICY, Theatre, night_of
from tests.past_world import shop
from tests.rule_world import Row

few = settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
TOLD = ("campaign_id", "member_id", "reason", "detail", "until", "threshold", "model_version", "policy_version")

MEMBERS = """
    member_id | birth_year
    ada       | 1980
    bo        | 1980
    carl      | 1980
    dina      | 2020
    eva       | 1980
    finn      | 1980"""
CAMPAIGNS = """
    campaign_id | message_class | channels
    spring      | marketing     | ["email", "sms"]
    recall      | service       | ["email"]"""
CONSENTS = """
    member_id | channel | granted | recorded_at | purpose
    ada       | all     | yes     | 2023-01-01 | marketing
    bo        | email   | yes     | 2023-01-01 | marketing
    bo        | email   | no      | 2023-06-01 | marketing
    bo        | sms     | yes     | 2023-01-01 | marketing
    carl      | all     | yes     | 2023-01-01 | marketing
    carl      | all     | no      | 2023-06-01 | marketing
    dina      | all     | yes     | 2023-01-01 | marketing
    finn      | all     | yes     | 2023-01-01 | marketing"""
PREFERENCES = """
    member_id | channel | wanted | recorded_at
    finn      | all     | no     | 2023-06-01"""


def asked(**more: str) -> set[tuple[str, str]]:
    """(member, campaign) that are worth a prediction, in a club that says what stands above."""
    written = {"members": MEMBERS, "campaigns": CAMPAIGNS, "consents": CONSENTS, "preferences": PREFERENCES, **more}
    club = shop(**written)
    asks = club.members.select("member_id").cross_join(club.campaigns.select("campaign_id"))
    doubted = ibis.memtable({"member_id": ["finn"]})
    found = may_be_written_to(club, NIGHT, Policy(), asks, doubted).to_pyarrow().to_pylist()
    assert len(found) == len({tuple(row.values()) for row in found})
    return {(row["member_id"], row["campaign_id"]) for row in found}


def test_an_offer_is_predicted_where_one_channel_is_left_and_service_wherever_it_is_wanted() -> None:
    """Bo may still be sent a text message; Carl objected, Dina is a child, Eva never consented: service alone reaches them. Finn wants
    no message at all."""
    assert asked() == {
        ("ada", "spring"), ("ada", "recall"), ("bo", "spring"), ("bo", "recall"), ("carl", "recall"), ("dina", "recall"), ("eva", "recall"),
    }  # fmt: skip


def test_what_could_not_be_read_of_a_members_consent_stops_the_prediction_too() -> None:
    everything_wanted = asked(preferences="member_id | channel | wanted | recorded_at")
    assert ("finn", "recall") in everything_wanted
    assert ("finn", "spring") not in everything_wanted


@pytest.fixture(scope="module")
def theatre() -> Theatre:
    return Theatre()


@pytest.mark.slow
@pytest.mark.timeout(900)
@few
@given(events=EVENTS)
def test_what_is_published_is_the_same_whether_those_who_may_not_be_written_to_were_predicted_or_not(
    theatre: Theatre, events: Mapping[str, Any]
) -> None:
    """The same offers in the same places; the same members stopped for the same reason in the same words."""
    tables = night_of(events)
    every = theatre.play(tables)
    club = Club.of({t.name: theatre.con.table(t.name) for t in SOURCE_TABLES})
    left = may_be_written_to(club, NIGHT, POLICY, club.audiences).to_pyarrow().to_pylist()
    worth = {(row["campaign_id"], row["member_id"]) for row in left}
    gone = {"relevance": None, "mailing_relevance": None}
    scores = [row if (row["campaign_id"], row["member_id"]) in worth else row | gone for row in tables["scores"]]
    fewer = theatre.play({**tables, "scores": scores})
    assert ordered(fewer["offers"]) == ordered(every["offers"])
    assert told(fewer["suppressed"]) == told(every["suppressed"])
    assert verdicts(fewer["ledger"]) == verdicts(every["ledger"])
    assert all((row["campaign_id"], row["member_id"]) in worth for row in every["offers"])


def ordered(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["member_id"], row["slot"]))


def told(rows: list[Row]) -> list[tuple[object, ...]]:
    return sorted(tuple(str(row[name]) for name in TOLD) for row in rows)


def verdicts(ledger: list[Row]) -> list[tuple[object, ...]]:
    named = ("campaign_id", "member_id", "offer_id", "channel", "verdict", "reason", "detail", "until", "propensity")
    return sorted(tuple(str(row[name]) for name in named) for row in ledger)
