"""One week in a block's life: messages arrive, offers are answered, things are bought, patience wears or heals. The chances
are of behaviour.py; here they are drawn, and what happened is written into the diary.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ml.errors import InputError
from simulator.assortment import CATEGORY, CYCLE
from simulator.behaviour import (
    ADULT,
    CALM_AGAIN,
    CASE,
    COMPLAINING,
    IMPULSE,
    LINGERING,
    REFUSING,
    RETURN,
    WISHING,
    Wants,
    answer_chances,
    nuisance,
    pull,
    quit_chance,
    seen_chance,
    wants,
)
from simulator.club_time import DAY, second_of
from simulator.diary import CLICK, COMPLAINT, OPEN, REDEEM, UNSUBSCRIBE, Diary
from simulator.draws import BLOCK, Purpose, generator
from simulator.mailing import Mailer, Sending, habitual, usable_channel
from simulator.membership import Membership
from simulator.people import CHANNELS, People
from simulator.plan import LASTS, Offer, audience_of, campaigns_of
from simulator.shopping_trips import SALES_CHANNELS, SHELF, Trips, own_tier, trips_of
from simulator.state import State

MORNING = 6 * 3_600  # UTC; when messages go out


@dataclass(frozen=True)
class Chance:
    """What is true of one offer in one week, for those of a block that its campaign is planned for.

    offer         counted over all offers since the first week lived
    asked         index of each member
    channel       index into CHANNELS of the way they would be reached; (asked,)
    sent, unsent  chance of an answer with and without the message; (asked,)
    pull          how much the offer means to them; (asked,)
    got           is it sent to them; (asked,)
    """

    offer: int
    asked: np.ndarray
    channel: np.ndarray
    sent: np.ndarray
    unsent: np.ndarray
    pull: np.ndarray
    got: np.ndarray


@dataclass(frozen=True)
class Life:
    """Whose weeks they are, how they are mailed, and who, if anyone, is told the chances before anything happens."""

    seed: int
    people: People
    told: Membership
    mailer: Mailer = habitual
    watch: Callable[[Chance], None] | None = None


def live(life: Life, state: State, week: int, first_offer: int, diary: Diary) -> None:
    """Live one week: `state` becomes that of the next Monday. first_offer = the number of the week's first offer."""
    one = _Week(life, state, week, diary)
    mailed, number = np.zeros(BLOCK, dtype=np.int64), first_offer
    on_monday = state.reachable.copy()
    for n, campaign in enumerate(campaigns_of(life.seed, week)):
        channel, reached = usable_channel(campaign, state)
        planned = one.member & one.audience[:, n]
        room = (mailed < life.told.limit) | (campaign.message_class == "service")  # which is no marketing
        may = planned & reached & (life.people.age >= ADULT) & room
        mail = life.mailer(Sending(life.seed, week, n, campaign, life.people, state, channel, may))
        channel = channel if mail.channel is None else mail.channel
        # Service needs no consent to marketing, but no channel that is not wanted. Who has left marketing since, at an earlier message
        # of the week, is not written to any more.
        service = campaign.message_class == "service"
        wanted = life.told.unwanted != channel
        by = np.arange(BLOCK), channel
        _refuse(mail.offer >= 0, planned & room, wanted if service else on_monday[by])
        mail = replace(mail, offer=np.where(service | state.reachable[by], mail.offer, -1))
        if campaign.message_class != "service":
            mailed += mail.offer >= 0
        feelings = one.felt.random((5, BLOCK), dtype=np.float32)
        for place, offer in enumerate(campaign.offers):
            got = mail.offer == place
            one.send(number, np.flatnonzero(got), channel, mail.propensity)
            of = answer_chances(life.people, offer, one.now, one.annoyed, channel)
            if life.watch:
                meant, to = pull(life.people, offer, one.now), np.flatnonzero(planned)
                life.watch(Chance(number, to, channel[to], of.sent[to], of.unsent[to], meant[to], got[to]))
            seen = one.receive(offer, number, got, channel, feelings)
            one.answer(offer, number, number - first_offer, np.where(seen, of.seen, of.unsent) * planned)
            number += 1
    one.shop()
    one.open_cases()
    state.waits += 7
    state.waits[one.bought >= 0] = 7 - one.bought[one.bought >= 0]
    state.annoyance *= CALM_AGAIN


def _refuse(got: np.ndarray, may: np.ndarray, reachable: np.ndarray) -> None:
    """Raises InputError where a way of mailing would write to members against their own word. Of some the age is not known."""
    wrong = int((got & ~(may & reachable)).sum())
    if wrong:
        raise InputError(
            f"{wrong} members would be written to who may not be: not planned for, or against their own word"
        )


class _Week:
    """What one week's events share.

    now      what is wanted, and annoyed, the patience, before anything has happened
    bought   day on which each subcategory is bought, up to two weeks ahead; -1 = not (members, subcategories)
    """

    def __init__(self, life: Life, state: State, week: int, diary: Diary):
        people, seed = life.people, life.seed
        self.people, self.seed, self.state, self.week, self.diary = people, seed, state, week, diary
        self.member = life.told.joined <= week
        self.now: Wants = wants(people, week, state.waits)
        self.annoyed = state.annoyance.copy()
        self.bought = np.full(state.waits.shape, -1, dtype=np.int8)
        self.trips: Trips = trips_of(seed, people, week)
        self.audience = audience_of(seed, people.block, week)
        self._answers = generator(seed, people.block, Purpose.ANSWER, week)
        self.felt = generator(seed, people.block, Purpose.FATIGUE, week)

    def send(self, number: int, to: np.ndarray, channel: np.ndarray, propensity: np.ndarray) -> None:
        at = second_of(self.week, 0, MORNING + self.trips.second[0, to] % 3_600)
        self.diary.mailings.add(to, second=at, offer=number, channel=channel[to], propensity=propensity[to])

    def receive(
        self, offer: Offer, number: int, got: np.ndarray, channel: np.ndarray, feelings: np.ndarray
    ) -> np.ndarray:
        """Messages are looked at or not; those that mean nothing annoy, and some members have had enough. Who looked; (members,)."""
        state, diary = self.state, self.diary
        noise = nuisance(pull(self.people, offer, self.now))
        seen = got & (feelings[0] < seen_chance(self.people, channel, self.annoyed))
        state.annoyance += np.where(seen, noise * self.people.fragility, 0).astype(np.float32)
        leaving = seen & (feelings[1] < quit_chance(state.annoyance, noise))
        angry = leaving & (feelings[2] < COMPLAINING)
        at = second_of(self.week, 0, MORNING + 3_700 + (feelings[3] * 50_000).astype(np.int64))
        opened = np.flatnonzero(seen & (channel != CHANNELS.index("post")))
        diary.responses.add(opened, second=at[opened], offer=number, kind=OPEN)
        everywhere = np.full(BLOCK, len(CHANNELS))
        for kind, who, where in ((UNSUBSCRIBE, leaving & ~angry, channel), (COMPLAINT, angry, everywhere)):
            gone = np.flatnonzero(who)
            diary.responses.add(gone, second=at[gone] + 60, offer=number, kind=kind)
            diary.taken_back.add(gone, second=at[gone] + 60, channel=where[gone])
        state.reachable[leaving, channel[leaving]] = False
        state.reachable[angry] = False
        self._speak(offer, number, seen & ~leaving, noise, feelings[4], at)
        return seen

    def _speak(
        self, offer: Offer, number: int, seen: np.ndarray, noise: np.ndarray, luck: np.ndarray, at: np.ndarray
    ) -> None:
        """Some say "not for me", or "more like this". Where the taste is not there at all, it is said of the category."""
        said = np.flatnonzero(seen & (luck < np.where(noise > 0.5, REFUSING * noise, WISHING * (1 - noise))))
        liked = self.people.taste[said, CATEGORY[offer.subcategory]] > 0.1
        self.diary.feedback.add(said, second=at[said] + 30, offer=number, scope=np.where(liked, 0, 1), refused=noise[said] > 0.5)  # fmt: skip

    def answer(self, offer: Offer, number: int, place: int, chance: np.ndarray) -> None:
        """Offers are answered within two weeks, mostly at once; a discount or a reminder by buying.
        place = number of the offer in its week."""
        luck, trips = self._answers.random(BLOCK, dtype=np.float32), self.trips
        who = np.flatnonzero(luck < chance)
        left = luck[who] / chance[who]  # spread evenly over 0..1, now that the answer is given
        day = np.minimum((-LINGERING * np.log(np.maximum(left, 1e-6))).astype(np.int64), 13)
        at = second_of(self.week, day, trips.second[0, who])
        self.diary.responses.add(who, second=at, offer=number, kind=REDEEM if offer.kind == "discount" else CLICK)
        if offer.kind not in ("discount", "reminder"):
            return
        fresh = self.bought[who, offer.subcategory] < 0
        who, day, at = who[fresh], day[fresh], at[fresh]
        self.bought[who, offer.subcategory] = day
        what = np.full(len(who), offer.subcategory)
        ways = [SALES_CHANNELS.index(way) for way in offer.redeemable_in]
        usual = trips.sales_channel[0][who]
        self.diary.lines.add(who, second=at, receipt=_receipt(self.week, day, 10 * (1 + self.week % 2) + place),
            subcategory=what, tier=offer.tier or own_tier(self.people, who, what, 0.5), quantity=1, shelf=0,
            coupon=offer.discount, sales_channel=np.where(np.isin(usual, ways), usual, ways[0]),
            store=trips.store[0, who])  # fmt: skip

    def shop(self) -> None:
        """What is bought without any message: what is needed, and now and then what is not; some is brought back."""
        people, trips, bought = self.people, self.trips, self.bought
        drawn = generator(self.seed, people.block, Purpose.PURCHASES, self.week)
        needed = (drawn.random(bought.shape, dtype=np.float32) < 1 - np.exp(-self.now.rate)) & (bought < 0)
        bits = drawn.integers(0, 2**32, bought.shape, dtype=np.uint32)
        whim, which = drawn.random((2, BLOCK))
        moved = np.flatnonzero(whim < IMPULSE * people.activity)
        thing = (which[moved] * len(CYCLE)).astype(np.int64)
        impulse = np.zeros(bought.shape, dtype=bool)
        impulse[moved, thing] = (bought[moved, thing] < 0) & ~needed[moved, thing]
        who, what = np.nonzero(needed | impulse)
        luck = bits[who, what]  # 32 bits, a few for each choice below
        visit = (luck & 3 == 0).astype(np.int64)
        day = trips.day[visit, who]
        bought[who, what] = day
        lines = {
            "second": second_of(self.week, day, trips.second[visit, who]),
            "receipt": _receipt(self.week, day, visit),
            "subcategory": what,
            "tier": np.where(impulse[who, what], (luck >> 8) % 5 + 1, own_tier(people, who, what, (luck >> 8 & 255) / 256)),
            "quantity": np.where((CYCLE[what] < 40) & (luck >> 24 & 3 == 0), 2, 1),
            "shelf": np.where(luck >> 16 & 7 == 0, SHELF[luck >> 20 & 3], 0),
            "coupon": np.zeros(len(who)),
            "sales_channel": trips.sales_channel[visit, who],
            "store": trips.store[visit, who],
        }  # fmt: skip
        self._note(self.member[who], who, lines)
        later = day + 2 + (luck & 7)
        returned = {"second": second_of(self.week, later, trips.second[0, who]),
            "receipt": _receipt(self.week, later, 90 + self.week % 7), "quantity": np.full(len(who), -1)}  # fmt: skip
        brought_back = self.member[who] & (CYCLE[what] >= LASTS) & ((luck >> 26) / 64 < RETURN)
        self._note(brought_back, who, lines | returned)

    def _note(self, kept: np.ndarray, who: np.ndarray, lines: dict[str, np.ndarray]) -> None:
        self.diary.lines.add(who[kept], **{name: values[kept] for name, values in lines.items()})

    def open_cases(self) -> None:
        luck, weeks = generator(self.seed, self.people.block, Purpose.CASES, self.week).random((2, BLOCK))
        who = np.flatnonzero(self.member & (luck < CASE))
        opened = second_of(self.week, 2, 36_000 + who)
        self.diary.cases.add(who, second=opened, closed=opened + (1 + weeks[who] * 40).astype(np.int64) * DAY)


def _receipt(week: int, day: np.ndarray, visit: np.ndarray | int) -> np.ndarray:
    """A receipt's number among its member's: the day, and which visit of it."""
    return (np.int64(week * 7 + 20_000) + day) * 100 + visit
