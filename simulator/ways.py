"""Ways of mailing the invented club that need no platform: to nobody, to everyone, the most popular things, by lot, and by the
truth itself. Each makes the letters of a week; how the week is then lived is in side_by_side.py.
"""

import numpy as np

from simulator.assortment import SUBCATEGORIES
from simulator.club_time import second_of
from simulator.plan import campaigns_of
from simulator.side_by_side import Letters, Open, SideBySide
from simulator.truth import RELEVANT
from simulator.week_truth import meanings

LATELY = 91  # days of purchases from which popularity is told


def nobody(club: SideBySide, volume: int, rng: np.random.Generator) -> Letters:
    return _letters(club.open(), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


def everyone(club: SideBySide, volume: int, rng: np.random.Generator) -> Letters:
    """Every campaign to everyone it is planned for and who may be written to, with the offer that most have bought lately."""
    allowed = club.open()
    best, _ = _popular(club)
    return _within(allowed, rng.permutation(len(allowed)), best[allowed.campaign])


def popular(club: SideBySide, volume: int, rng: np.random.Generator) -> Letters:
    """So many messages: the campaign of what most have bought lately first, to whom chance chooses, then the next."""
    allowed = club.open()
    best, bought = _popular(club)
    order = rng.permutation(len(allowed))
    order = order[np.argsort(-bought[allowed.campaign[order]], kind="stable")]
    return _within(allowed, order, best[allowed.campaign], volume)


def by_lot(club: SideBySide, volume: int, rng: np.random.Generator) -> Letters:
    """So many messages to whom chance chooses, with an offer that chance chooses."""
    allowed = club.open()
    offers = np.array([len(c.offers) for c in campaigns_of(club.club.seed, club.week)])
    lot = (rng.random(len(allowed)) * offers[allowed.campaign]).astype(np.int64)
    return _within(allowed, rng.permutation(len(allowed)), lot, volume)


def all_knowing(club: SideBySide, volume: int, rng: np.random.Generator) -> Letters:
    """To whom it means something (`truth.RELEVANT`), with the offer that means most, the dearest to each member first. What no
    club can do: it is told what everyone wants."""
    allowed, meant = club.open(), meanings(club)
    here = meant[allowed.member, allowed.campaign]
    best = here.argmax(axis=1)
    most = here[np.arange(len(allowed)), best]
    order = np.argsort(-most, kind="stable")
    return _within(allowed, order[most[order] >= RELEVANT], best)


def _popular(club: SideBySide) -> tuple[np.ndarray, np.ndarray]:
    """(the offer of each of the week's campaigns that most have bought of lately, how many bought of it)."""
    since, until = second_of(club.week, -LATELY, 0), second_of(club.week, 0, 0)
    bought = np.zeros(len(SUBCATEGORIES), dtype=np.int64)
    for lived in club.lived():
        lines = lived.diary.lines.columns(lived.members, until=int(until))
        late = lines["second"] >= since
        pairs = np.unique(lines["member"][late].astype(np.int64) * len(bought) + lines["subcategory"][late])
        bought += np.bincount(pairs % len(bought), minlength=len(bought))
    counts = [np.array([bought[o.subcategory] for o in c.offers]) for c in campaigns_of(club.club.seed, club.week)]
    return np.array([c.argmax() for c in counts]), np.array([c.max() for c in counts])


def _within(allowed: Open, order: np.ndarray, offer: np.ndarray, most: int | None = None) -> Letters:
    """The first `most` rows in this order that keep every member's own limit of the week; offer of each row of `allowed`."""
    member = allowed.member[order]
    by_member = np.argsort(member, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(member[by_member]) > 0][: len(member)])
    place = np.empty(len(member), dtype=np.int64)
    place[by_member] = np.arange(len(member)) - np.repeat(starts, np.diff(np.r_[starts, len(member)]))
    kept = order[place < allowed.limit[order]][:most]
    return _letters(allowed, kept, offer[kept])


def _letters(allowed: Open, rows: np.ndarray, offer: np.ndarray) -> Letters:
    return Letters(allowed.member[rows], allowed.campaign[rows], offer, np.full(len(rows), -1), np.ones(len(rows)))
