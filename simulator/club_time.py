"""The simulator's clock: seconds from the club's last Monday at 00:00 UTC (negative in the past), and columns made of them."""

from datetime import date

import numpy as np
import pyarrow as pa

from simulator.plan import LAST_MONDAY

DAY = 86_400
_ZERO_DAY = (LAST_MONDAY - date(1970, 1, 1)).days


def second_of(week: np.ndarray | int, day: np.ndarray | int, second: np.ndarray | int) -> np.ndarray:
    """A moment by week, day in it (more than 6 runs into the next) and second of the day."""
    return (np.asarray(week, dtype=np.int64) * 7 + day) * DAY + second


def instant(seconds: np.ndarray) -> pa.Array:
    return pa.array((seconds + _ZERO_DAY * DAY) * 1_000_000, pa.timestamp("us"))


def day_column(days: np.ndarray) -> pa.Array:
    """Dates, given as days from the last Monday."""
    return pa.array((days + _ZERO_DAY).astype(np.int32), pa.date32())


def birth_years(age: np.ndarray, known: np.ndarray) -> pa.Array:
    """Years of birth, missing where not known."""
    return pa.array(LAST_MONDAY.year - age, mask=~known)
