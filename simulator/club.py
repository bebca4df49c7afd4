"""The invented club as a whole, and the life of one block of it after the other, so that no more than one is in memory at a
time. What the lives become as tables is in tables.py; nothing is written here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from simulator.assortment import products
from simulator.diary import Diary
from simulator.draws import BLOCK
from simulator.mailing import Mailer, habitual
from simulator.membership import membership_of, stores_table
from simulator.people import people_of
from simulator.plan import Offer, offers_of, plan_tables
from simulator.state import State, first_state
from simulator.week import Chance, Life, live


@dataclass(frozen=True)
class InventedClub:
    """Which club: the same three numbers give the same tables. A club of more members begins with those of a smaller one.

    weeks   of history before the club's last Monday
    """

    members: int
    seed: int
    weeks: int

    @property
    def block_count(self) -> int:
        return -(-self.members // BLOCK)

    def shared_tables(self) -> dict[str, pa.Table]:
        """The tables that are not of members: assortment, stores, and the plan up to the last Monday."""
        return {"products": products(), "stores": stores_table(), **plan_tables(self.seed, -self.weeks, 0)}

    def blocks(self, mailer: Mailer = habitual) -> Iterator["Lived"]:
        """Every block's life, one at a time."""
        for block in range(self.block_count):
            yield self.live_block(block, mailer)

    def live_block(
        self, block: int, mailer: Mailer = habitual, watch: Callable[[Chance], None] | None = None
    ) -> "Lived":
        """The life of one block through all weeks; `watch` is told the chances of every offer before it goes out."""
        people, told = people_of(self.seed, block), membership_of(self.seed, block)
        state, diary = first_state(self.seed, block, told), Diary()
        life, offers = Life(self.seed, people, told, mailer, watch), list[Offer]()
        weeks = range(-self.weeks, 0)
        for week in weeks:
            live(life, state, week, len(offers), diary)
            offers += offers_of(self.seed, week)
        return Lived(life, state, diary, weeks, offers, min(BLOCK, self.members - block * BLOCK))


@dataclass(frozen=True)
class Lived:
    """A block's life: whose, in which weeks, what happened, and how things stood when it was over.

    offers    of all weeks, in order
    members   how many of the block belong to the club, counted from its first
    """

    life: Life
    state: State
    diary: Diary
    weeks: range
    offers: Sequence[Offer]
    members: int
