"""What half a year of one way of mailing did to the club, week by week, by what is true of it: how many messages, to whom they
meant something, what they added, who left and how annoyed the members are. Ways are in ways.py; figures over weeks in
ml/truth_figures.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields

import numpy as np

from simulator.diary import COMPLAINT, UNSUBSCRIBE
from simulator.draws import BLOCK
from simulator.people import CHANNELS
from simulator.plan import offers_of
from simulator.side_by_side import Letters, SideBySide
from simulator.truth import RELEVANT
from simulator.week import Chance
from simulator.week_truth import meanings


@dataclass(frozen=True)
class Week:
    """One week of one way. Messages that may be sent are those of `SideBySide.open`: planned, of age, consented to and wanted.

    messages       sent
    relevant_sent  of these, those whose offer means something to the member (`truth.RELEVANT`)
    relevant       messages that may be sent of which at least one offer means something to the member
    reached        of these, those that were sent
    irrelevant     messages that may be sent of which no offer means anything
    stopped        of these, those that were not sent
    added          answers that there would not be without the messages: the sum of their chances
    earned         what those earn, less the costs of contact; club currency
    minors         messages to members under age, of whom no year of birth is known
    left           members' channels unsubscribed from
    complained     members who reported a message as spam
    reachable      members who may still be written to on any channel
    annoyance      mean over members, after the week
    """

    messages: float
    relevant_sent: float
    relevant: float
    reached: float
    irrelevant: float
    stopped: float
    added: float
    earned: float
    minors: float
    left: float
    complained: float
    reachable: float
    annoyance: float


FIGURES = tuple(field.name for field in fields(Week))
Way = Callable[[SideBySide, int, np.random.Generator], Letters]


def live_a_week(
    club: SideBySide,
    letters: Letters,
    costs: Mapping[str, float],
    held_out: np.ndarray | None = None,
    told_too: Callable[[int, Chance], None] | None = None,
) -> Week:
    """Live the club's week with these letters.

    costs     what one message costs, by channel
    held_out  members (numbers) of whom it is no question what is relevant to them; their messages are sent and not counted
    told_too  who else is told the chances, before anything happens
    Raises InputError where a letter is against its member's word.
    """
    allowed = club.open()
    seen = np.ones(len(allowed), dtype=bool) if held_out is None else ~np.isin(allowed.member, held_out)
    meant = meanings(club)[allowed.member, allowed.campaign].max(axis=1) >= RELEVANT
    went = np.isin(allowed.member * 10 + allowed.campaign, letters.member * 10 + letters.campaign)
    margins = [offer.margin for offer in offers_of(club.club.seed, club.week)]
    first, told = len(club.offers), np.zeros(3)
    cost = np.array([costs[channel] for channel in CHANNELS])

    def watch(block: int, chance: Chance) -> None:
        if told_too:
            told_too(block, chance)
        got = chance.got & (chance.asked + block * BLOCK < club.club.members)
        added = (chance.sent - chance.unsent)[got].astype(np.float64)
        earned = added.sum() * margins[chance.offer - first] - cost[chance.channel[got]].sum()
        told[:] += (float((chance.pull[got] >= RELEVANT).sum()), added.sum(), earned)

    before = club.gone()
    club.live(letters.mail, watch)
    gone = club.gone() - before
    annoyance, reachable = club.patience()
    return Week(
        messages=len(letters), relevant_sent=told[0], relevant=int((meant & seen).sum()), reached=int((meant & seen & went).sum()),
        irrelevant=int((~meant & seen).sum()), stopped=int((~meant & seen & ~went).sum()), added=told[1], earned=told[2],
        minors=club.minors(letters.member), left=gone[UNSUBSCRIBE], complained=gone[COMPLAINT], reachable=reachable, annoyance=annoyance,
    )  # fmt: skip
