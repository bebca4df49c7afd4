"""What no club can know, beside its tables: how likely each answer was with and without the message, who the members really
are, and how annoyed. Nothing that decides may read it; import-linter sees to that.

answer_chances   member_id, offer_id, campaign_id, channel; sent and unsent, the probability of an answer with a message on
                 that channel and without one, as of the Monday on which the campaign began; pull, how much the offer means
                 to the member: 0 nothing, 1 much. One row for every offer of every member of the campaign's audience.
member_truth     member_id; stage of life, interests (categories) and annoyance on the club's last Monday
"""

from copy import deepcopy

import numpy as np
import pyarrow as pa

from simulator.assortment import CATEGORIES
from simulator.club import InventedClub, Lived
from simulator.diary import Diary
from simulator.people import CHANNELS, STAGES
from simulator.pieces import Log, Named, picked
from simulator.plan import offers_of
from simulator.week import Chance, live

INTERESTED = 0.5  # a taste above this is an interest; a usual one is 1, of what is not cared for 0.02
RELEVANT = 0.25  # pull from which a message is relevant: seen, it is answered by 7 of 100 who would not have otherwise


def live_and_tell(club: InventedClub, block: int) -> tuple[Lived, dict[str, pa.Table]]:
    """One block's life, and the truth of its members: of every week, and of the last Monday before anything is sent."""
    chances = Log(member=np.int32, offer=np.int32, channel=np.int8, sent=np.float32, unsent=np.float32, pull=np.float32)

    def note(chance: Chance) -> None:
        chances.add(chance.asked, offer=chance.offer, channel=chance.channel, sent=chance.sent, unsent=chance.unsent,
                    pull=chance.pull)  # fmt: skip

    lived = club.live_block(block, watch=note)
    live(lived.life, deepcopy(lived.state), 0, len(lived.offers), Diary())  # a week that never was, for its chances
    named = Named([*lived.offers, *offers_of(club.seed, 0)])
    c = chances.columns(lived.members)
    people, ids = lived.life.people, lived.life.people.ids()[: lived.members]
    liked = people.taste[: lived.members] > INTERESTED
    interests = [[CATEGORIES[n] for n in np.flatnonzero(row)] for row in liked]
    return lived, {
        "answer_chances": pa.table({
            "member_id": picked(c["member"], ids), "offer_id": named.offer(c["offer"]),
            "campaign_id": named.campaign(c["offer"]), "channel": picked(c["channel"], CHANNELS),
            "sent": c["sent"], "unsent": c["unsent"], "pull": c["pull"],
        }),
        "member_truth": pa.table({
            "member_id": ids, "stage": picked(people.stage(0)[: lived.members], STAGES),
            "interests": pa.array(interests, pa.list_(pa.string())), "annoyance": lived.state.annoyance[: lived.members],
        }),
    }  # fmt: skip
