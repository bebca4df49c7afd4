"""When, where and how a member shops in a week, and at which price tier; what is bought is decided in week.py."""

from dataclasses import dataclass

import numpy as np

from simulator.assortment import CATEGORY
from simulator.draws import BLOCK, Purpose, generator
from simulator.people import People
from simulator.plan import day_of

SALES_CHANNELS = ("store", "web", "app")
SHELF = np.array([0.1, 0.15, 0.2, 0.3])  # discounts at the shelf, for everyone
CABIN_WEEKS = frozenset({8, 9, 13, 14, 15, 27, 28, 29, 30, 31, 40})
_HOURS = (9 * 3_600, 19 * 3_600)  # UTC; shops are open


@dataclass(frozen=True)
class Trips:
    """Two visits a week for each member; (visits, members) each: day of the week, second of the day, index of the sales
    channel (store, web, app), and the store's."""

    day: np.ndarray
    second: np.ndarray
    sales_channel: np.ndarray
    store: np.ndarray


def trips_of(seed: int, people: People, week: int) -> Trips:
    rng = generator(seed, people.block, Purpose.TRIPS, week)
    away = (people.cabin >= 0) & (rng.random(BLOCK) < 0.6) & (day_of(week).isocalendar().week in CABIN_WEEKS)
    online = np.where(people.age < 40, 0.25, 0.08)
    how = rng.random((2, BLOCK))
    return Trips(
        day=rng.integers(0, 7, (2, BLOCK)),
        second=rng.integers(*_HOURS, (2, BLOCK)),
        sales_channel=np.where(how > online, 0, np.where(how < online / 3, 2, 1)),
        store=np.broadcast_to(np.where(away, people.cabin, people.town), (2, BLOCK)),
    )


def own_tier(people: People, who: np.ndarray, what: np.ndarray, luck: np.ndarray | float) -> np.ndarray:
    """The price tier that a member takes of a subcategory, 1..5: the position in its category, give or take one.
    luck = 0..1, evenly spread."""
    return np.clip(np.rint(people.position[who, CATEGORY[what]] + 1.6 * (np.asarray(luck) - 0.5)), 1, 5).astype(np.int8)
