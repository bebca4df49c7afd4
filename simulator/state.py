"""What changes in a block from week to week: what was bought how long ago, patience, and on which channels it may be written
to. How it changes is in week.py.
"""

from dataclasses import dataclass

import numpy as np

from simulator.draws import BLOCK
from simulator.membership import Membership
from simulator.people import first_waits


@dataclass
class State:
    """waits       days since each subcategory was last bought; (members, subcategories)
    annoyance   what is left of the irritation of past messages; (members,), 0 = none
    reachable   marketing is consented to and wanted; (members, channels)
    """

    waits: np.ndarray
    annoyance: np.ndarray
    reachable: np.ndarray


def first_state(seed: int, block: int, told: Membership) -> State:
    return State(first_waits(seed, block), np.zeros(BLOCK, dtype=np.float32), told.reachable())
