"""A whole night on a folder of CSV with a member for every situation, and the verdict that marketers read of each."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.installation import Answer, Installation, installation
from tests.situations import NIGHT, POLICY, Written, written

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@dataclass(frozen=True)
class Played:
    at: Installation
    club: Written
    answer: Answer


@pytest.fixture(scope="module")
def night() -> Iterator[Played]:
    with installation() as at:
        club = written()
        at.hand_in(club.frames(), POLICY)
        yield Played(at, club, at.call("nightly", "--as-of", NIGHT.isoformat()))


def test_each_member_is_offered_or_stopped_as_their_situation_asks(night: Played) -> None:
    assert night.answer.code == 0, night.answer.text
    verdicts = dict.fromkeys(night.at.rows("SELECT campaign_id, member_id FROM marts.offer_table"), "")
    stopped = night.at.rows("SELECT campaign_id, member_id, reason FROM marts.suppression_list")
    assert not verdicts.keys() & {(c, m) for c, m, _ in stopped}
    verdicts |= {(c, m): reason for c, m, reason in stopped}
    assert {asked: verdicts.get(asked) for asked in night.club.expected} == night.club.expected


def test_every_reason_is_a_sentence_to_the_member(night: Played) -> None:
    told = dict(night.at.rows("SELECT campaign_id || ' ' || member_id, detail FROM marts.suppression_list"))
    assert told["beans coffee-each-quarter"] == "You bought coffee on 9 May, and usually every 90 days."
    assert told["gown a-man"] == "On 14 April 2024 you told us: gender: man. This is meant for others."
    assert told["wok no-to-subcategory"] == 'On 31 October 2024 you said "not for me" to frying pans.'
    assert told["washer5 dear-tv-cheap-washer"] == "It is dearer than the washing machines that you buy."
    assert told["beans three-offers-of-coffee"] == "You have had 3 offers of drinks this week."
    assert all(text.endswith(".") and not re.search(r"[A-Z]{4}|_|\bnull\b|None", text) for text in told.values())


def test_the_way_from_facts_to_verdict_is_explained(night: Played) -> None:
    said = night.at.call("explain", "a-man", "gown").text
    for part in (
        "fact gender, value man",
        "gown, by email: DECLARED_MISMATCH",
        "fails DECLARED_MISMATCH by 1",
        "until 2034-04-12",
    ):
        assert part in said
    assert "sent, place 1" in night.at.call("explain", "angler", "reel").text
    assert "offer sofa was not considered" in night.at.call("explain", "angler", "sofa").text


def test_what_grew_old_or_is_contradicted_is_asked_again_and_nothing_else(night: Played) -> None:
    asked = night.at.rows("SELECT member_id, fact, last_value, priority FROM marts.reask_list ORDER BY member_id")
    assert asked == [("childless-long-ago", "children", "0", 2.0), ("childless-with-nappies", "children", "0", 2.0)]


def test_a_habit_ranks_before_a_dear_impulse(night: Played) -> None:
    [(flies,), (skis,)] = (
        night.at.rows("SELECT slot FROM marts.offer_table WHERE member_id = 'angler' AND offer_id = %s", offer)
        for offer in ("reel", "suit")
    )
    assert flies < skis


def test_a_text_message_goes_to_who_wants_them_if_the_text_fits(night: Played) -> None:
    by = night.at.rows("SELECT campaign_id, channel FROM marts.offer_table WHERE member_id = 'rather-text' ORDER BY 1")
    assert by == [("long-text", "email"), ("text", "sms")]
