"""Shards of a stage in several processes at a time, as Dagster's multiprocess executor runs them: each process has its part of the
cores and of the memory, takes the next shard when it has done one, and tells the most memory it held.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from ml.shards import Shard

MEMORY = 5_000  # MB that the engines of all processes may take together
Work = Callable[[Shard], None]


def most_memory() -> float:
    """GB that this process has held at most. Not `ru_maxrss`, which begins with what the process held that began this one."""
    with open("/proc/self/status") as file:
        told = next(line for line in file if line.startswith("VmHWM"))
    return int(told.split()[1]) / 1e6


def apart(work: Callable[..., object], *given: object) -> float:
    """Do it in a process of its own, which ends with it, as Dagster's plan of a step is; returns the GB that it held at most."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_then_memory, work, given).result()


def _then_memory(work: Callable[..., object], given: tuple[object, ...]) -> float:
    work(*given)
    return most_memory()


def work_through(shards: Iterable[Shard], at_once: int, begin: Callable[..., Work], *given: object) -> float:
    """`begin(*given)`, called once in each process, gives what works on a shard. Returns the GB that the processes held
    together at most (the sum of their peaks); 0 where this process did the work."""
    if at_once < 2:
        work = begin(*given)
        for shard in shards:
            work(shard)
        return 0.0
    threads = str(max(1, len(os.sched_getaffinity(0)) // at_once))
    memory = f"{MEMORY // at_once}MB"
    # Read by the processes as they begin.
    os.environ |= {"HEMSIL_THREADS": threads, "OMP_NUM_THREADS": threads, "HEMSIL_MEMORY_LIMIT": memory}
    with ProcessPoolExecutor(at_once, get_context("spawn"), _begun, (begin, given)) as pool:
        held = dict(pool.map(_one, shards))  # of each process the last word, which is its peak
    return sum(held.values())


_work: list[Work] = []


def _begun(begin: Callable[..., Work], given: tuple[object, ...]) -> None:
    _work.append(begin(*given))


def _one(shard: Shard) -> tuple[int, float]:
    _work[0](shard)
    return os.getpid(), most_memory()
