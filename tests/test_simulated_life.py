"""A year, or less of it, in the invented club: that what happens is what the chances said, that mailing costs patience, and
that nobody's life depends on who else is there. People, plan and chances by themselves are in test_simulator.py.
"""

from dataclasses import dataclass, field

import numpy as np
import pytest

from simulator.behaviour import ADULT
from simulator.club import InventedClub
from simulator.diary import CLICK, COMPLAINT, KINDS, OPEN, REDEEM, UNSUBSCRIBE
from simulator.draws import BLOCK
from simulator.mailing import Mail, Mailer, Sending, habitual
from simulator.membership import NO_LIMIT, membership_of
from simulator.people import CHANNELS, people_of
from simulator.pieces import Log
from simulator.plan import campaigns_of
from simulator.week import Chance

CLUB = InventedClub(members=BLOCK, seed=7, weeks=20)


def to_nobody(sending: Sending) -> Mail:
    return Mail(np.full(BLOCK, -1), np.ones(BLOCK))


def to_everyone(sending: Sending) -> Mail:
    """The campaign's first offer to everyone who may have it."""
    return Mail(np.where(sending.may, 0, -1), np.ones(BLOCK))


def to_the_first_member(sending: Sending) -> Mail:
    return Mail(np.where(sending.may & (np.arange(BLOCK) == 0), 0, -1), np.ones(BLOCK))


def responses(mailer: Mailer) -> np.ndarray:
    """How many of each kind, in the order of KINDS."""
    told = CLUB.live_block(0, mailer).diary.responses.columns(BLOCK)
    return np.bincount(told["kind"], minlength=len(KINDS))


def test_without_messages_nobody_opens_leaves_or_is_annoyed_and_things_are_bought_all_the_same() -> None:
    lived = CLUB.live_block(0, to_nobody)
    kinds = np.unique(lived.diary.responses.columns(BLOCK)["kind"])
    assert list(kinds) == [REDEEM]  # offers in the shops are used by those who happen to buy
    assert lived.state.annoyance.max() == 0
    assert len(lived.diary.lines.columns(BLOCK)["member"]) > 10 * BLOCK


def test_the_more_is_sent_the_more_is_answered_and_the_more_leave() -> None:
    nobody, some, everyone = responses(to_nobody), responses(habitual), responses(to_everyone)
    for kind in (OPEN, UNSUBSCRIBE):
        assert nobody[kind] < some[kind] < everyone[kind]
    assert nobody[REDEEM] + nobody[CLICK] < some[REDEEM] + some[CLICK]


def test_who_has_left_a_channel_is_not_written_to_there_again() -> None:
    diary = CLUB.live_block(0, to_everyone).diary
    gone = diary.taken_back.columns(BLOCK)
    sent = diary.mailings.columns(BLOCK)
    assert len(gone["member"]) > 20
    for member, channel, second in zip(gone["member"], gone["channel"], gone["second"], strict=True):
        theirs = (sent["member"] == member) & (sent["second"] > second)
        assert not (theirs & (sent["channel"] == channel)).any()


def test_nobody_is_written_to_under_age_before_joining_or_beyond_their_own_limit() -> None:
    """Messages of service are no marketing: they pass the limit, and are not counted."""
    people, told = people_of(CLUB.seed, 0), membership_of(CLUB.seed, 0)
    lived = CLUB.live_block(0, to_everyone)
    sent = lived.diary.mailings.columns(BLOCK)
    week = sent["second"] // (7 * 86_400)
    assert people.age[sent["member"]].min() >= ADULT
    assert (week >= told.joined[sent["member"]]).all()
    service = {c.campaign_id for w in lived.weeks for c in campaigns_of(CLUB.seed, w) if c.message_class == "service"}
    limited = np.array([o.campaign_id not in service for o in lived.offers])[sent["offer"]]
    pairs, counts = np.unique(np.stack([sent["member"], week])[:, limited], axis=1, return_counts=True)
    assert service
    assert counts.max() > 1
    assert (counts <= told.limit[pairs[0]]).all()
    assert (told.limit < NO_LIMIT).any()


def test_what_one_member_is_sent_changes_nothing_for_another() -> None:
    alone, nobody = (CLUB.live_block(0, mailer).diary for mailer in (to_the_first_member, to_nobody))
    for log in ("lines", "responses", "cases"):
        ours, theirs = getattr(alone, log).columns(BLOCK), getattr(nobody, log).columns(BLOCK)
        for name in ours:
            assert np.array_equal(ours[name][ours["member"] > 0], theirs[name][theirs["member"] > 0])


@dataclass
class Watched:
    """A mailer's own doings: who might have been sent to, and the chances of everyone asked about."""

    may: list[int] = field(default_factory=list)
    told: Log = field(default_factory=lambda: Log(member=np.int32, offer=np.int32, sent=np.float64, unsent=np.float64))

    def mail(self, sending: Sending) -> Mail:
        self.may.append(int(sending.may.sum()) * len(sending.campaign.offers))
        return habitual(sending)

    def watch(self, chance: Chance) -> None:
        self.told.add(chance.asked, offer=chance.offer, sent=chance.sent, unsent=chance.unsent)


@pytest.fixture(scope="module")
def watched() -> tuple[Watched, dict[str, dict[str, np.ndarray]]]:
    watched = Watched()
    diary = CLUB.live_block(0, watched.mail, watched.watch).diary
    return watched, {name: getattr(diary, name).columns(BLOCK) for name in ("mailings", "responses")}


def test_propensities_tell_how_often_each_offer_was_sent(watched: tuple) -> None:
    """Horvitz and Thompson (1952): every (member, offer) that could be sent counts 1, on average, if it weighs 1/propensity."""
    weights = 1 / watched[1]["mailings"]["propensity"]
    could = sum(watched[0].may)
    deviation = np.sqrt((weights * (weights - 1)).sum())
    assert abs(weights.sum() - could) < 4 * deviation
    assert deviation < 0.02 * could


def test_offers_are_answered_as_often_as_the_truth_says(watched: tuple) -> None:
    told, events = watched[0].told.columns(BLOCK), watched[1]
    key = told["offer"].astype(np.int64) * BLOCK + told["member"]
    got = np.isin(key, events["mailings"]["offer"].astype(np.int64) * BLOCK + events["mailings"]["member"])
    answered = np.isin(events["responses"]["kind"], [REDEEM, CLICK])
    pairs = (events["responses"]["offer"].astype(np.int64) * BLOCK + events["responses"]["member"])[answered]
    assert len(np.unique(pairs)) == len(pairs)
    for chosen, chance in ((got, told["sent"]), (~got, told["unsent"])):
        p = chance[chosen]
        count = np.isin(pairs, key[chosen]).sum()
        assert abs(count - p.sum()) < 4 * np.sqrt((p * (1 - p)).sum())
        assert count > 100


def test_who_does_not_look_at_a_message_answers_as_if_there_were_none(watched: tuple) -> None:
    """By post it is not known who looked. What is no discount cannot be answered without its message."""
    offers = CLUB.live_block(0).offers
    sent, events = watched[1]["mailings"], watched[1]["responses"]
    told = watched[0].told.columns(BLOCK)
    unsent = dict(zip(told["offer"].astype(np.int64) * BLOCK + told["member"], told["unsent"], strict=True))
    known = sent["channel"] != CHANNELS.index("post")
    key = sent["offer"][known].astype(np.int64) * BLOCK + sent["member"][known]
    of = events["offer"].astype(np.int64) * BLOCK + events["member"]
    opened = np.isin(key, of[events["kind"] == OPEN])
    answered = np.isin(key, of[np.isin(events["kind"], [REDEEM, CLICK])])
    discount = np.array([offer.kind == "discount" for offer in offers])[sent["offer"][known]]
    assert answered[opened & ~discount].sum() > 20
    assert not answered[~opened & ~discount].any()
    anyway = np.array([unsent[k] for k in key])
    for looked, more in ((~opened & discount, False), (opened & discount, True)):
        expected = anyway[looked].sum()
        deviation = np.sqrt((anyway[looked] * (1 - anyway[looked])).sum())
        assert (answered[looked].sum() > expected + 4 * deviation) == more
        assert answered[looked].sum() > expected - 4 * deviation


def test_those_who_complain_are_written_to_no_more_on_any_channel() -> None:
    club = InventedClub(members=BLOCK, seed=7, weeks=52)
    diary = club.live_block(0, to_everyone).diary
    told, sent = diary.responses.columns(BLOCK), diary.mailings.columns(BLOCK)
    angry = told["kind"] == COMPLAINT
    assert angry.any()
    for member, second in zip(told["member"][angry], told["second"][angry], strict=True):
        assert not ((sent["member"] == member) & (sent["second"] > second)).any()
