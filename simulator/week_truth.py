"""What is true of a week's offers before it is lived, for all members side by side. Only what measures may ask; nothing that decides."""

from collections.abc import Callable, Iterator

import numpy as np

from simulator.behaviour import Wants, answer_chances, pull, wants
from simulator.draws import BLOCK
from simulator.mailing import usable_channel
from simulator.plan import Campaign, Offer, campaigns_of
from simulator.side_by_side import SideBySide
from simulator.state import State
from simulator.week import Life


def meanings(club: SideBySide) -> np.ndarray:
    """How much each offer of the week means to each member (`behaviour.pull`); (members, campaigns, offers), -1 where a campaign
    has fewer offers. Members are those of whole blocks."""
    return _of_offers(club, lambda life, state, now, campaign, offer: pull(life.people, offer, now))


def chances(club: SideBySide) -> np.ndarray:
    """The chance that each member answers each offer of the week if it is sent, on the first channel that is open; the same shape."""

    def sent(life: Life, state: State, now: Wants, campaign: Campaign, offer: Offer) -> np.ndarray:
        channel, _ = usable_channel(campaign, state)
        return answer_chances(life.people, offer, now, state.annoyance, channel).sent

    return _of_offers(club, sent)


def _of_offers(club: SideBySide, told: Callable[[Life, State, Wants, Campaign, Offer], np.ndarray]) -> np.ndarray:
    campaigns = campaigns_of(club.club.seed, club.week)
    most = max(len(c.offers) for c in campaigns)
    out = np.full((club.club.block_count * BLOCK, len(campaigns), most), -1, dtype=np.float32)
    for life, state, now in _blocks(club):
        here = slice(life.people.block * BLOCK, (life.people.block + 1) * BLOCK)
        for n, campaign in enumerate(campaigns):
            for place, offer in enumerate(campaign.offers):
                out[here, n, place] = told(life, state, now, campaign, offer)
    return out


def _blocks(club: SideBySide) -> Iterator[tuple[Life, State, Wants]]:
    for life, state, _ in club.blocks():
        yield life, state, wants(life.people, club.week, state.waits)
