"""How members behave: the chance of a purchase in a week, and of an answer to an offer with and without the message. The one
place where behaviour is defined; nothing is drawn here.
"""

import numpy as np

from simulator.assortment import CATEGORY, CYCLE, season
from simulator.people import CHANNELS, People
from simulator.plan import Offer, day_of

WEEKS_OPEN = 2  # an offer can be answered for two weeks
PERSUASION = 0.12  # how much of a want becomes an answer, for a message that is seen


def buying_rate(people: People, week: int, waits: np.ndarray) -> np.ndarray:
    """Expected purchases in the week; (members, subcategories). waits = days since each was last bought."""
    due = np.clip(waits / CYCLE, 0, 1.5) ** 2
    return people.need(week) * due * season(day_of(week).isocalendar().week) * (7 / CYCLE) * people.activity[:, None]


def answer_chances(
    people: People, offer: Offer, week: int, waits: np.ndarray, rate: np.ndarray, annoyance: np.ndarray, channel: str
) -> tuple[np.ndarray, np.ndarray]:
    """(if sent, if not sent): chance that each member answers the offer; (members,) each, the first never the smaller.

    rate        of `buying_rate`, before anything is sent
    annoyance   of each member, 0 = none
    """
    s = offer.subcategory
    fit = np.exp(-0.5 * (offer.tier - people.position[:, CATEGORY[s]]) ** 2) if offer.tier else np.ones(len(annoyance))
    unsent = 1 - np.exp(-rate[:, s] * WEEKS_OPEN * (0.4 * fit if offer.tier else 1.0) * (offer.kind == "discount"))
    due = np.clip(waits[:, s] / CYCLE[s], 0, 1.5) ** 2
    want = people.need(week)[:, s] * fit * due * season(day_of(week).isocalendar().week)[s] * (0.5 + 2 * offer.discount)
    seen = people.attention[:, CHANNELS.index(channel)] * np.exp(-0.25 * annoyance)
    persuaded = seen * (1 - np.exp(-PERSUASION * want))
    return 1 - (1 - unsent) * (1 - persuaded), unsent
