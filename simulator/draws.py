"""Random numbers by their place, not by their turn: a generator for each (seed, block of members, week, purpose). So a
member's rows do not depend on how many others there are, on the size of a chunk, or on what was sent to anyone.
"""

from enum import IntEnum

import numpy as np

BLOCK = 2_000  # members whose numbers are drawn together; always drawn whole, so that the last member changes nothing
_WEEKS = 1 << 15


class Purpose(IntEnum):
    PEOPLE = 1
    PURCHASES = 2
    AUDIENCE = 3
    POLICY = 4
    ANSWER = 5
    FATIGUE = 6
    PLAN = 7
    DECLARED = 8
    CASES = 9
    TRIPS = 10


def generator(seed: int, block: int, purpose: Purpose, week: int = 0) -> np.random.Generator:
    """Philox (Salmon et al., 2011), keyed by the place. week is counted from the club's last Monday; it may be negative."""
    place = (block << 24) | (int(purpose) << 16) | (week + _WEEKS)
    return np.random.Generator(np.random.Philox(key=np.array([seed, place], dtype=np.uint64)))
