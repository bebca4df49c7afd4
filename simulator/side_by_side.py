"""The invented club week by week, all its blocks side by side: what it takes to live with decisions that are made of the whole
club, one Monday after the other. A club that only has a history is lived block by block, in club.py.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from simulator.behaviour import ADULT
from simulator.club import InventedClub, Lived
from simulator.diary import KINDS, Diary
from simulator.draws import BLOCK
from simulator.mailing import Mail, Mailer, Sending, habitual, usable_channel
from simulator.membership import membership_of
from simulator.people import people_of
from simulator.plan import Offer, audience_of, campaigns_of, offers_of
from simulator.state import State, first_state
from simulator.week import Chance, Life, live


@dataclass(frozen=True)
class Letters:
    """Messages of one week, a row each; arrays of equal length.

    member      number in the club
    campaign    the campaign's number in its week
    offer       index into the campaign's offers
    channel     index into CHANNELS; negative = the first of the campaign's that is open
    propensity  probability with which it was sent
    """

    member: np.ndarray
    campaign: np.ndarray
    offer: np.ndarray
    channel: np.ndarray
    propensity: np.ndarray

    def __len__(self) -> int:
        return len(self.member)

    def mail(self, sending: Sending) -> Mail:
        """The week's mailer (`simulator.mailing.Mailer`)."""
        ours = (self.member // BLOCK == sending.people.block) & (self.campaign == sending.n)
        at = self.member[ours] % BLOCK
        offer, propensity, channel = np.full(BLOCK, -1), np.ones(BLOCK), sending.channel.copy()
        offer[at], propensity[at] = self.offer[ours], self.propensity[ours]
        channel[at] = np.where(self.channel[ours] >= 0, self.channel[ours], sending.channel[at])
        return Mail(offer, propensity, channel)


@dataclass(frozen=True)
class Open:
    """Messages that a week would allow, a row each.

    member     number in the club
    campaign   the campaign's number in its week
    limit      most messages that the member wants in a week
    """

    member: np.ndarray
    campaign: np.ndarray
    limit: np.ndarray

    def __len__(self) -> int:
        return len(self.member)


@dataclass
class _Block:
    life: Life
    state: State
    diary: Diary


class SideBySide:
    """A club that is lived week by week. `week` is the Monday it stands at: what came before is lived."""

    def __init__(self, club: InventedClub):
        self.club, self.week = club, -club.weeks
        self.offers: list[Offer] = []
        self._blocks = []
        for block in range(club.block_count):
            people, told = people_of(club.seed, block), membership_of(club.seed, block)
            self._blocks.append(_Block(Life(club.seed, people, told), first_state(club.seed, block, told), Diary()))

    def branch(self) -> "SideBySide":
        """The same club with the same past, to be lived on in another way."""
        return deepcopy(self)

    def live(self, mailer: Mailer = habitual, watch: Callable[[int, Chance], None] | None = None) -> None:
        """Live the week; `watch` is told each block's number and the chances of every offer before it goes out. Raises InputError
        where the mailer writes to members who may not be written to."""
        for number, block in enumerate(self._blocks):
            told = partial(watch, number) if watch else None
            life = replace(block.life, mailer=mailer, watch=told)
            live(life, block.state, self.week, len(self.offers), block.diary)
        self.offers += offers_of(self.club.seed, self.week)
        self.week += 1

    def lived(self) -> Iterator[Lived]:
        """Every block's life so far, as the source tables are made of it (`simulator.tables.block_tables`)."""
        weeks = range(-self.club.weeks, self.week)
        for number, block in enumerate(self._blocks):
            members = min(BLOCK, self.club.members - number * BLOCK)
            yield Lived(block.life, block.state, block.diary, weeks, self.offers, members)

    def open(self) -> Open:
        """Whom the week's campaigns are planned for and who may be written to, by age, consent and their own word."""
        rows = list[tuple[np.ndarray, np.ndarray, np.ndarray]]()
        for number, block in enumerate(self._blocks):
            people, told = block.life.people, block.life.told
            audience = audience_of(self.club.seed, number, self.week)
            for n, campaign in enumerate(campaigns_of(self.club.seed, self.week)):
                _, reached = usable_channel(campaign, block.state)
                may = (told.joined <= self.week) & audience[:, n] & reached & (people.age >= ADULT)
                found = np.flatnonzero(may[: self.club.members - number * BLOCK])
                rows.append((found + number * BLOCK, np.full(len(found), n), told.limit[found]))
        return Open(*(np.concatenate(column) for column in zip(*rows, strict=True)))

    def gone(self) -> np.ndarray:
        """Responses of each kind so far, in the order of `simulator.diary.KINDS`."""
        kinds = [lived.diary.responses.columns(lived.members)["kind"] for lived in self.lived()]
        return np.bincount(np.concatenate(kinds), minlength=len(KINDS))

    def patience(self) -> tuple[float, int]:
        """(mean annoyance, members who may be written to on any channel)."""
        annoyance = np.concatenate([lived.state.annoyance[: lived.members] for lived in self.lived()])
        reachable = sum(int(lived.state.reachable[: lived.members].any(axis=1).sum()) for lived in self.lived())
        return float(annoyance.mean()), reachable

    def minors(self, members: np.ndarray) -> int:
        """How many of these members (numbers, one may be there more than once) are under age in truth."""
        age = np.concatenate([block.life.people.age for block in self._blocks])
        return int((age[members] < ADULT).sum())

    def blocks(self) -> Iterator[tuple[Life, State, Diary]]:
        """What the truth is read from; nothing that decides may."""
        for block in self._blocks:
            yield block.life, block.state, block.diary
