"""How much work something is, for every comparison of one run."""

import time
from collections.abc import Callable


def processor(work: Callable[[], object]) -> float:
    """Processor seconds of it, all threads: on a machine that others use too, they tell more than the clock does."""
    start = time.process_time()
    work()
    return time.process_time() - start
