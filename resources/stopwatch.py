"""Time and memory of the stages of a run, as lines of figures. What the stages are is the business of who runs them."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Stopwatch:
    """Adds up each stage's seconds; stages may come again.

    seconds   wall-clock time, by stage in order of first appearance
    cpu_seconds   time of all cores together that the process used, which other work on the machine does not lengthen
    peak_mb   the most memory the process had held by the stage's end, in MB (it never falls again)
    """

    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    peak_mb: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begun, used = time.perf_counter(), time.process_time()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begun
            self.cpu_seconds[name] = self.cpu_seconds.get(name, 0.0) + time.process_time() - used
            self.peak_mb[name] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
