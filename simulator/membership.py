"""What the members have told the club, and when: that they joined, what they are and like, what they consent to and
prefer; true as far as their candour goes. Who they are in truth is in people.py; what they take back later, in week.py.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from simulator.assortment import CATEGORIES
from simulator.club_time import birth_years, day_column, instant, second_of
from simulator.draws import BLOCK, Purpose, generator
from simulator.people import CHANNELS, TOWNS, People
from simulator.pieces import picked, texts

JOINED_IN_THE_LAST_YEAR = 0.08
GRANTED = np.array([0.92, 0.5, 0.6, 0.85])  # share who consent to marketing, by channel
PROFILED, REFUSED_A_CHANNEL, LIMITED = 0.9, 0.1, 0.1
NO_LIMIT = 99  # messages a week; more than are ever planned
FIRST_NAMES = (
    "Kari",
    "Ola",
    "Liv",
    "Per",
    "Åse",
    "Nils",
    "Ingrid",
    "Lars",
    "Siri",
    "Jonas",
    "Maja",
    "Emil",
    "Nora",
    "Aksel",
)
LANGUAGES = ("no", "nn", "en")
KINDS = ("gender", "birth_year", "children", "household_size")
TOLD = np.array([0.85, 0.7, 0.6, 0.4])  # share who declare it


@dataclass(frozen=True)
class Membership:
    """One block. Arrays are (members,) or (members, channels).

    joined      week of joining, from the club's last Monday
    granted     consents to marketing on the channel
    profiled    consents to profiling
    unwanted    index of the channel that is not wanted; -1 = all are
    limit       most messages a week, over all channels
    """

    joined: np.ndarray
    granted: np.ndarray
    profiled: np.ndarray
    unwanted: np.ndarray
    limit: np.ndarray

    def reachable(self) -> np.ndarray:
        """Channels on which marketing may be sent when the history begins; (members, channels)."""
        return self.granted & (self.unwanted[:, None] != np.arange(len(CHANNELS)))


def membership_of(seed: int, block: int) -> Membership:
    rng = generator(seed, block, Purpose.DECLARED)
    late = rng.random(BLOCK) < JOINED_IN_THE_LAST_YEAR
    return Membership(
        joined=np.where(late, rng.integers(-52, 0, BLOCK), rng.integers(-416, -52, BLOCK)),
        granted=rng.random((BLOCK, len(CHANNELS))) < GRANTED,
        profiled=rng.random(BLOCK) < PROFILED,
        unwanted=np.where(rng.random(BLOCK) < REFUSED_A_CHANNEL, rng.integers(0, len(CHANNELS), BLOCK), -1),
        limit=np.where(rng.random(BLOCK) < LIMITED, 1, NO_LIMIT),
    )


def members_table(seed: int, people: People, told: Membership) -> pa.Table:
    rng = generator(seed, people.block, Purpose.DECLARED, week=1)
    town = people.town
    return pa.table({
        "member_id": people.ids(),
        "joined_on": day_column(told.joined * 7),
        "birth_year": birth_years(people.age, rng.random(BLOCK) < 0.6),
        "postcode": picked(town, [postcode for postcode, _, _ in TOWNS]),
        "home_store_id": picked(town, STORE_IDS),
        "first_name": picked(rng.integers(0, len(FIRST_NAMES), BLOCK), FIRST_NAMES),
        "language": picked(rng.choice(len(LANGUAGES), BLOCK, p=[0.85, 0.1, 0.05]), LANGUAGES),
    })  # fmt: skip


STORE_IDS = [f"s{n + 1}" for n in range(len(TOWNS))]


def stores_table() -> pa.Table:
    postcodes, latitudes, longitudes = zip(*TOWNS, strict=True)
    return pa.table({"store_id": STORE_IDS, "postcode": postcodes, "latitude": latitudes, "longitude": longitudes})


def facts_told(seed: int, people: People, told: Membership) -> dict[str, np.ndarray]:
    """What was declared: member (index), fact, value (words) and second; true as it was then, with the member's candour."""
    rng = generator(seed, people.block, Purpose.DECLARED, week=2)
    when = np.maximum(told.joined, rng.integers(-150, 0, BLOCK))
    candid = rng.random((len(KINDS), BLOCK)) < people.candour
    said = rng.random((len(KINDS), BLOCK)) < TOLD[:, None]
    parent = people.baby_week <= when
    at_home = np.where(parent, 3, np.where(people.age < 35, 1, 2))
    values = (
        np.where(people.female == candid[0], "female", "male"),
        (2023 - people.age + np.where(candid[1], 0, 10)).astype(str),
        np.where(parent == candid[2], "1", "0"),
        (at_home + ~candid[3]).astype(str),
    )
    liked = (people.taste > 0.5) & (rng.random(people.taste.shape) < 0.15)
    claimed = rng.random(people.taste.shape) < 0.002  # an interest that is not there
    fond, category = np.nonzero(liked | claimed)
    member = [np.flatnonzero(s) for s in said]
    return {
        "member": np.concatenate([*member, fond]),
        "fact": np.concatenate([*(np.full(len(m), k) for m, k in zip(member, KINDS, strict=True)), np.full(len(fond), "interest")]),
        "value": np.concatenate([*(v[m] for v, m in zip(values, member, strict=True)), np.array(CATEGORIES)[category]]),
        "second": np.concatenate([*(second_of(when[m], 0, 36_000 + 60 * n) for n, m in enumerate(member)),
                                  second_of(when[fond], 1, 36_000 + 60 * category)]),
    }  # fmt: skip


def facts_table(told: dict[str, np.ndarray], ids: np.ndarray) -> pa.Table:
    return pa.table({
        "member_id": picked(told["member"], ids), "fact": pa.array(told["fact"]), "value": pa.array(told["value"]),
        "declared_at": instant(told["second"]), "source": texts("web", len(told["member"])),
    })  # fmt: skip


def consents_table(told: Membership, ids: np.ndarray, taken_back: dict[str, np.ndarray]) -> pa.Table:
    """Consents given or refused on joining, to profiling and to marketing on each channel, and what was `taken_back` since:
    member, channel (index; one past the last = all) and second."""
    channels = [*CHANNELS, "all"]
    members = len(ids)
    first, channel = np.divmod(np.arange(members * len(CHANNELS)), len(CHANNELS))
    own = np.arange(members)
    back = taken_back["member"]
    joined = second_of(told.joined, 0, 43_200)
    return pa.table({
        "member_id": picked(np.concatenate([first, own, back]), ids),
        "purpose": pa.concat_arrays([texts("marketing", len(first)), texts("profiling", members), texts("marketing", len(back))]),
        "channel": picked(np.concatenate([channel, np.full(members, len(CHANNELS)), taken_back["channel"]]), channels),
        "granted": np.concatenate([told.granted[:members].ravel(), told.profiled[:members], np.zeros(len(back), bool)]),
        "recorded_at": instant(np.concatenate([joined[first], joined[own], taken_back["second"]])),
        "source": pa.concat_arrays([texts("web", len(first) + members), texts("email", len(back))]),
    })  # fmt: skip


def preferences_table(told: Membership, ids: np.ndarray) -> pa.Table:
    """The channels that are not wanted, and the most messages a week where the member chose a number."""
    refusing = np.flatnonzero(told.unwanted[: len(ids)] >= 0)
    limiting = np.flatnonzero(told.limit[: len(ids)] < NO_LIMIT)
    both, n = np.concatenate([refusing, limiting]), len(refusing)
    return pa.table({
        "member_id": picked(both, ids),
        "channel": picked(np.concatenate([told.unwanted[refusing], np.full(len(limiting), len(CHANNELS))]), [*CHANNELS, "all"]),
        "wanted": np.arange(len(both)) >= n,
        "max_per_week": pa.array(told.limit[both], mask=np.arange(len(both)) < n),
        "recorded_at": instant(second_of(told.joined[both], 0, np.where(np.arange(len(both)) < n, 43_260, 43_320))),
        "source": texts("web", len(both)),
    })  # fmt: skip
