"""A mailing tool gets each member of a campaign and channel once, and only who may be sent to at this moment."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from resources.marts import Marts
from tests.batch_rows import MONDAY, TUESDAY, a_batch, offers, publish, rows

NOW = datetime.now(UTC)
TONIGHT = NOW.date()
STILL_ON = {"valid_from": NOW - timedelta(hours=1), "valid_until": NOW + timedelta(days=2)}
OVER = {"valid_from": NOW - timedelta(days=3), "valid_until": NOW - timedelta(hours=1)}
THREE = "anna 1 spring email 0.5\n anna 2 spring email 0.4\n berit 1 spring email 0.3\n dora 1 spring sms 0.2"


def tonight(marts: Marts, lines: str = THREE, when: dict[str, Any] = STILL_ON) -> str:
    members = {line.split()[0] for line in lines.splitlines()}
    return publish(
        marts, a_batch(TONIGHT), offers=offers(lines, **when), audience={"spring": len(members) + 1}
    ).batch_id


def claim(marts: Marts, most: int = 100, rest: str = "") -> list[tuple[Any, ...]]:
    query = f"SELECT claim_id, member_id, slot FROM marts.claim('spring', 'email', {most}{rest})"
    return rows(marts.engine, query)


def test_a_claim_hands_over_every_offer_of_a_message_and_each_member_once(marts: Marts) -> None:
    tonight(marts)
    first = claim(marts, 1)
    assert [(member, slot) for _, member, slot in first] == [("anna", 1), ("anna", 2)]
    assert len({number for number, _, _ in first}) == 1  # one message, one claim
    assert [member for _, member, _ in claim(marts)] == ["berit"]
    assert claim(marts) == []


@pytest.mark.promise("R6")
def test_who_opted_out_since_is_not_claimed(marts: Marts) -> None:
    tonight(marts)
    rows(marts.engine, "SELECT marts.opt_out('anna', 'email')")
    assert [member for _, member, _ in claim(marts)] == ["berit"]


def test_a_member_is_claimed_once_a_campaign_also_on_the_next_night(marts: Marts) -> None:
    tonight(marts)
    claim(marts)
    publish(marts, a_batch(TONIGHT + timedelta(1)), offers=offers(THREE, **STILL_ON), audience={"spring": 4})
    assert claim(marts) == []


def test_what_was_not_sent_after_all_can_be_given_back_and_claimed_again(marts: Marts) -> None:
    tonight(marts)
    [(number, _, _), *_] = claim(marts, 1)
    assert rows(marts.engine, f"SELECT marts.give_back(ARRAY[{number}])") == [(1,)]
    again = claim(marts, 1)
    assert again[0][1] == "anna"
    with pytest.raises(DBAPIError, match="1 of the claims are unknown or were given back"):
        rows(marts.engine, f"SELECT marts.confirm(ARRAY[{number}])")


def test_what_was_sent_is_noted_once_and_cannot_be_given_back(marts: Marts) -> None:
    tonight(marts)
    [(number, _, _), *_] = claim(marts, 1)
    assert rows(marts.engine, f"SELECT marts.confirm(ARRAY[{number}])") == [(1,)]
    assert rows(marts.engine, f"SELECT marts.confirm(ARRAY[{number}])") == [(0,)]
    assert rows(marts.engine, f"SELECT marts.give_back(ARRAY[{number}])") == [(0,)]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("marts.claim('spring', 'email', 0)", "at least 1 member, not 0"),
        ("marts.claim('spring', 'email', NULL)", "at least 1 member, not null"),
        ("marts.claim('autumn', 'email', 1)", "has no campaign autumn"),
        ("marts.claim('spring', 'email', 1, '2017-10-30-1')", "batch 2017-10-30-1 is not the current one"),
    ],
)
def test_a_claim_that_cannot_be_met_is_refused_with_the_reason(marts: Marts, call: str, says: str) -> None:
    tonight(marts)
    with pytest.raises(DBAPIError, match=says):
        rows(marts.engine, f"SELECT {call}")


@pytest.mark.promise("R6")
def test_offers_whose_time_is_over_are_not_handed_out(marts: Marts) -> None:
    tonight(marts, when=OVER)
    with pytest.raises(DBAPIError, match="the offers of campaign spring had to be sent before"):
        claim(marts)


@pytest.mark.promise("R6")
def test_yesterdays_file_is_refused_once_there_is_a_newer_night(marts: Marts) -> None:
    old = publish(marts, a_batch(MONDAY), offers=offers(THREE, **STILL_ON), audience={"spring": 4}).batch_id
    new = publish(marts, a_batch(TUESDAY), offers=offers(THREE, **STILL_ON), audience={"spring": 4}).batch_id
    with pytest.raises(DBAPIError, match=f"batch {old} is not the current one, which is {new}"):
        claim(marts, rest=f", '{old}'")


@pytest.mark.promise("R6")
@pytest.mark.parametrize("members", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_two_claimers_at_once_get_every_member_once(
    marts: Marts, members: int, record_property: Callable[[str, object], None]
) -> None:
    tonight(marts, "\n".join(f"m{n} 1 spring email 0.5" for n in range(members)))
    got: list[str] = []

    def keep_claiming() -> None:
        while taken := claim(marts, members // 20):
            got.extend(member for _, member, _ in taken)

    claimers = [Thread(target=keep_claiming) for _ in range(2)]
    for claimer in claimers:
        claimer.start()
    for claimer in claimers:
        claimer.join()
    assert len(got) == members
    assert set(got) == {f"m{n}" for n in range(members)}
    record_property("figure", f"two claimers, {members} members: {len(got)} claims, each member once")


def test_before_the_first_batch_there_is_nothing_to_claim(marts: Marts) -> None:
    with pytest.raises(DBAPIError, match="nothing has been published yet"):
        claim(marts)
