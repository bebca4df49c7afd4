"""The invented club lived week by week, in our way of mailing and in others: the same life as block by block, whatever way beside it,
and nobody written to against their word.
"""

from dataclasses import replace

import numpy as np
import pytest

from ml.errors import InputError
from simulator import ways
from simulator.club import InventedClub
from simulator.draws import BLOCK
from simulator.half_year import Week, live_a_week
from simulator.side_by_side import Letters, SideBySide
from simulator.truth import RELEVANT
from simulator.week_truth import chances, meanings

CLUB = InventedClub(members=BLOCK + 300, seed=7, weeks=8)
COSTS = {"email": 0.01, "sms": 0.05, "push": 0.01, "post": 0.5}
VOLUME = 400


@pytest.fixture(scope="module")
def lived() -> SideBySide:
    club = SideBySide(CLUB)
    for _ in range(CLUB.weeks - 1):
        club.live()
    return club


def letters(club: SideBySide, way: str, volume: int = VOLUME) -> Letters:
    return getattr(ways, way)(club, volume, np.random.default_rng(1))


def a_week(club: SideBySide, way: str) -> Week:
    here = club.branch()
    return live_a_week(here, letters(here, way), COSTS)


def test_side_by_side_is_the_same_life_as_block_by_block(lived: SideBySide) -> None:
    whole = lived.branch()
    whole.live()
    for block, ours in enumerate(whole.lived()):
        alone = CLUB.live_block(block)
        for log in ("lines", "mailings", "responses", "taken_back", "feedback", "cases"):
            theirs = getattr(alone.diary, log).columns(alone.members)
            for name, values in getattr(ours.diary, log).columns(ours.members).items():
                assert np.array_equal(values, theirs[name])


def test_a_branch_is_lived_on_without_a_change_to_the_others(lived: SideBySide) -> None:
    before = lived.gone().sum()
    branch = lived.branch()
    live_a_week(branch, letters(branch, "everyone"), COSTS)
    assert branch.week == lived.week + 1
    assert lived.gone().sum() == before < branch.gone().sum()


def test_everyone_is_written_to_once_a_campaign_up_to_their_own_limit(lived: SideBySide) -> None:
    sent, allowed = letters(lived, "everyone"), lived.open()
    assert len(np.unique(sent.member * 10 + sent.campaign)) == len(sent)
    counts = np.bincount(sent.member)
    assert (counts[allowed.member] == np.minimum(np.bincount(allowed.member)[allowed.member], allowed.limit)).all()


def test_by_lot_and_by_popularity_send_as_many_as_they_are_told(lived: SideBySide) -> None:
    assert [len(letters(lived, way)) for way in ("by_lot", "popular", "nobody")] == [VOLUME, VOLUME, 0]
    offers = letters(lived, "popular")
    assert len(np.unique(offers.campaign)) < len(np.unique(letters(lived, "everyone").campaign)) or VOLUME > 500


def test_the_all_knowing_write_only_where_it_means_something(lived: SideBySide) -> None:
    sent, meant = letters(lived, "all_knowing"), meanings(lived)
    assert len(sent) > 100
    assert meant[sent.member, sent.campaign, sent.offer].min() >= RELEVANT
    week = a_week(lived, "all_knowing")
    assert (week.messages, week.stopped) == (week.relevant_sent, week.irrelevant)


def test_what_a_week_did_adds_up(lived: SideBySide) -> None:
    nobody, everyone = a_week(lived, "nobody"), a_week(lived, "everyone")
    assert (nobody.messages, nobody.added, nobody.earned, nobody.left, nobody.reached) == (0, 0, 0, 0, 0)
    assert nobody.stopped == nobody.irrelevant
    assert everyone.messages == everyone.reached + everyone.irrelevant - everyone.stopped
    assert everyone.added > a_week(lived, "by_lot").added > 0
    assert everyone.annoyance > nobody.annoyance


def test_chances_are_those_of_the_truth_that_is_written_beside_the_tables(lived: SideBySide) -> None:
    """A message added to the chance of an answer is never less than nothing, and what means nothing is hardly answered."""
    meant, chance = meanings(lived), chances(lived)
    there = meant >= 0
    assert ((chance[there] >= 0) & (chance[there] <= 1)).all()
    assert chance[there & (meant < 0.01)].mean() < 0.1 * chance[meant > 1].mean()


@pytest.mark.parametrize("wrong", ["not planned for", "said no"])
def test_a_letter_against_a_members_word_stops_the_week(lived: SideBySide, wrong: str) -> None:
    sent, allowed = letters(lived, "everyone"), lived.open()
    if wrong == "not planned for":
        reached = set(allowed.member[allowed.campaign == 0])
        stranger = next(m for m in range(CLUB.members) if m not in reached)
        bad = replace(sent, member=np.array([stranger]), campaign=np.array([0]), offer=np.array([0]),
                      channel=np.array([0]), propensity=np.ones(1))  # fmt: skip
    else:
        state = next(state for _, state, _ in lived.blocks())
        refused = next(m for m in allowed.member[allowed.member < BLOCK] if not state.reachable[m].all())
        campaign = allowed.campaign[allowed.member == refused][:1]
        bad = replace(sent, member=np.array([refused]), campaign=campaign, offer=np.array([0]),
                      channel=np.flatnonzero(~state.reachable[refused])[:1], propensity=np.ones(1))  # fmt: skip
    with pytest.raises(InputError, match="1 members would be written to who may not be"):
        live_a_week(lived.branch(), bad, COSTS)
