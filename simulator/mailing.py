"""How the club mailed in the past: partly at random, partly to those who bought such things lately, with the probability
written down. Any other way of mailing (everyone, nobody, our own decisions) has the same shape, `Mailer`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulator.draws import BLOCK, Purpose, generator
from simulator.people import CHANNELS, People
from simulator.plan import Campaign
from simulator.state import State

FEWEST, MORE = 0.35, 0.35  # share of an audience that is sent to; what is added for those who bought such things lately
LATELY, PREFERRED = 365, 4.0  # days; weight of an offer of something bought within them, against 1 of another
_CAMPAIGNS = 4  # most that begin in one week


@dataclass(frozen=True)
class Sending:
    """A campaign about to go out to a block.

    n         the campaign's number in its week
    channel   index into CHANNELS of the way each member would be reached; (members,)
    may       is the member in the audience, adult, and reachable within the limits they set; (members,)
    """

    seed: int
    week: int
    n: int
    campaign: Campaign
    people: People
    state: State
    channel: np.ndarray
    may: np.ndarray


@dataclass(frozen=True)
class Mail:
    """One campaign's messages to a block; (members,) each.

    offer        index into the campaign's offers; -1 = nothing was sent
    propensity   probability with which this offer was sent
    channel      index into CHANNELS, where it is not that of `Sending.channel`
    """

    offer: np.ndarray
    propensity: np.ndarray
    channel: np.ndarray | None = None


Mailer = Callable[[Sending], Mail]


def usable_channel(campaign: Campaign, state: State) -> tuple[np.ndarray, np.ndarray]:
    """(channel, open): the first of the campaign's channels that each member may be reached on, and whether there is one."""
    ways = [CHANNELS.index(c) for c in campaign.channels]
    open_ways = state.reachable[:, ways]
    return np.array(ways)[open_ways.argmax(axis=1)], np.asarray(open_ways.any(axis=1))


def habitual(sending: Sending) -> Mail:
    """The club's own way. Every offer has some chance for everyone who may be sent to, so the log can tell of other ways."""
    rng = generator(sending.seed, sending.people.block, Purpose.POLICY, sending.week)
    luck, choosing = rng.random((_CAMPAIGNS, 2, BLOCK))[sending.n]
    bought = sending.state.waits[:, [o.subcategory for o in sending.campaign.offers]] < LATELY
    weight = np.where(bought, PREFERRED, 1.0)
    share = weight / weight.sum(axis=1, keepdims=True)
    offer = np.minimum((share.cumsum(axis=1) < choosing[:, None]).sum(axis=1), share.shape[1] - 1)
    chance = FEWEST + MORE * bought.any(axis=1)
    return Mail(np.where(sending.may & (luck < chance), offer, -1), chance * share[np.arange(BLOCK), offer])
