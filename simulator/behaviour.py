"""How members behave: what they want in a week, the chance of a purchase, of an answer to an offer with and without the
message, and what a message does to their patience. The one place where behaviour is defined; nothing is drawn here.
"""

from dataclasses import dataclass

import numpy as np

from simulator.assortment import CATEGORY, CYCLE, season
from simulator.draws import BLOCK
from simulator.people import People
from simulator.plan import Offer, day_of

WEEKS_OPEN = 2  # an offer can be answered for two weeks
PERSUASION = 0.3  # how much of a want becomes an answer, for a message that is seen
NATURAL = 0.4  # share of the purchases anyway that are made with an offer that is open
CALM_AGAIN = 0.93  # of the annoyance, what is left a week later
QUITTING = 0.004  # chance of unsubscribing for each unit of annoyance, at a message that means nothing
COMPLAINING = 0.02  # of those who leave, the share who report the message as spam
LINGERING = 4  # days that an answer takes, on average
IMPULSE = 0.03  # chance of buying something for no reason in a week
RETURN = 0.03  # chance that a lasting thing is brought back
CASE = 0.0008  # chance in a week of a complaint that has to be handled
ADULT = 18
REFUSING, WISHING = 0.02, 0.03  # chance of saying "not for me", or "more like this", for a message that is seen


@dataclass(frozen=True)
class Wants:
    """What a block wants in a week; (members, subcategories) each.

    wish   how much each subcategory is wanted now: taste and stage of life, time since the last one, season
    rate   purchases expected in the week
    """

    wish: np.ndarray
    rate: np.ndarray


def wants(people: People, week: int, waits: np.ndarray) -> Wants:
    """waits = days since each was last bought; negative where a purchase of the next days is made up already."""
    due = np.clip(waits / CYCLE, 0, 1.5) ** 2
    wish = people.need(week) * due * season(day_of(week).isocalendar().week)
    return Wants(wish, wish * (np.float32(7) / CYCLE) * people.activity[:, None])


def pull(people: People, offer: Offer, now: Wants) -> np.ndarray:
    """How much an offer means to each member in the week, seen or not; (members,), 0 = nothing, about 1 = much."""
    return now.wish[:, offer.subcategory] * _fit(people, offer) * (0.5 + 2 * offer.discount)


def _fit(people: People, offer: Offer) -> np.ndarray:
    """1 = in the price range of what the member pays in the category, towards 0 the farther away."""
    if not offer.tier:
        return np.ones(BLOCK, dtype=np.float32)
    return np.exp(-0.5 * (offer.tier - people.position[:, CATEGORY[offer.subcategory]]) ** 2)


def seen_chance(people: People, channel: np.ndarray, annoyance: np.ndarray) -> np.ndarray:
    """Chance that a message is looked at. channel = index into CHANNELS for each member."""
    return people.attention[np.arange(BLOCK), channel] * np.exp(-0.25 * annoyance)


@dataclass(frozen=True)
class AnswerChances:
    """Of an answer by each member; (members,) each. sent is their mean over who looks at the message and who does not.

    unsent  without the message, or with one that is not looked at
    seen    with one that is; never the smaller
    sent    with one that may be looked at or not
    """

    unsent: np.ndarray
    seen: np.ndarray
    sent: np.ndarray


def answer_chances(
    people: People, offer: Offer, now: Wants, annoyance: np.ndarray, channel: np.ndarray
) -> AnswerChances:
    """The chance that each member answers the offer.

    annoyance   of each member, 0 = none
    channel     index into CHANNELS for each member
    """
    unsent = np.zeros(BLOCK, dtype=np.float32)
    if offer.kind == "discount":
        unsent = 1 - np.exp(-now.rate[:, offer.subcategory] * WEEKS_OPEN * NATURAL * _fit(people, offer))
    persuaded = 1 - np.exp(-PERSUASION * pull(people, offer, now))
    looking = seen_chance(people, channel, annoyance)
    return AnswerChances(unsent, 1 - (1 - unsent) * (1 - persuaded), 1 - (1 - unsent) * (1 - looking * persuaded))


def nuisance(meant: np.ndarray) -> np.ndarray:
    """How much a message that is seen is felt as noise, 0..1, by what it means to the member (`pull`)."""
    return np.exp(-3 * meant)


def quit_chance(annoyance: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Chance of unsubscribing at a message that is seen."""
    return 1 - np.exp(-QUITTING * annoyance * noise)
