"""A code location in which the process of one shard dies the first time it is worked on, as one that the system kills for want of
memory; for test_shards.py. The next time it lives, and so does the step before, which reads every shard to plan.
"""

import os
import signal
from pathlib import Path

import dagster as dg

from ml.club import Club
from ml.night import Night
from ml.shards import WHOLE, Shard
from resources.platform import Platform
from resources.settings import prepare_environment, read_settings

DIES = Shard(1, 3)


def marker(home: Path) -> Path:
    """There once the process has died."""
    return home / "died"


class Mortal(Platform):
    def club(self, night: Night, shard: Shard = WHOLE) -> Club:
        planned, died = self.settings.home / "planned", marker(self.settings.home)
        if shard == DIES and planned.exists() and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if shard == DIES:
            planned.touch()
        return super().club(night, shard)


def score_job() -> dg.JobDefinition:
    """The job `score`: features, scores and decisions."""
    from orchestration.definitions import build_definitions

    prepare_environment()
    return build_definitions(Mortal(read_settings())).resolve_job_def("score")
