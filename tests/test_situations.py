"""A whole night on a folder of CSV with a member for every situation, and the verdict that marketers read of each."""

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
