"""Dagster's share of a night: a whole `nightly` run in this process, in which it is noted two hundred times a second whose code the main thread
is in. Ours is what Dagster calls of our packages, with all that it calls in turn (DuckDB, XGBoost, PostgreSQL, MLflow); the rest is Dagster's own: its
plan, its events and what it writes of them.

    python -m benchmarks.dagster_share [--members 2469] [--save docs/measured/dagster.csv]

Starting the process and reading the definitions are not in it.
"""

import argparse
import os
import sys
import threading
import time
from pathlib import Path
from types import FrameType

import dagster as dg

from benchmarks.figures import save
from benchmarks.hundred_offers import write_club
from benchmarks.night_stages import KEY
from resources.embedded_postgres import EmbeddedPostgres
from resources.home import prepare_home
from resources.platform import Platform
from resources.settings import Settings, prepare_environment

HOUSEHOLDS = 2_469  # those of The Complete Journey
_EVERY = 0.005  # seconds
_CHECKOUT = str(Path(__file__).parent.parent)
_OURS = tuple(f"{_CHECKOUT}/{package}/" for package in ("assets", "resources", "ml"))


class Watch(threading.Thread):
    """Counts in whose code another thread is."""

    def __init__(self, thread: int):
        super().__init__(daemon=True)
        self.seen = {"ours": 0, "dagster": 0}
        self._thread, self._done = thread, threading.Event()

    def run(self) -> None:
        while not self._done.wait(_EVERY):
            frame = sys._current_frames().get(self._thread)
            self.seen["ours" if is_ours(frame) else "dagster"] += 1

    def stop(self) -> dict[str, int]:
        self._done.set()
        self.join()
        return self.seen


def is_ours(frame: FrameType | None) -> bool:
    """Is any of the calls that lead there one of our packages'."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(_OURS):
            return True
        frame = frame.f_back
    return False


def measured(members: int, work: Path) -> dict[str, object]:
    """One night in an installation of its own, as a row."""
    folder = work / f"dagster-{members}-{time.time_ns()}"
    folder.mkdir(parents=True)
    for each in (work, folder):
        each.chmod(0o755)  # the embedded PostgreSQL's user must come through
    write_club(members, folder / "club")
    settings = Settings(home=folder / "home", source=str(folder / "club"), database_url=None)
    names = {"HEMSIL_HOME": settings.home, "HEMSIL_SOURCE": settings.source, "DAGSTER_HOME": settings.dagster_home}
    os.environ |= {name: str(value) for name, value in names.items()}
    prepare_environment()
    prepare_home(settings)
    from orchestration.definitions import build_definitions

    platform = Platform(settings)
    nightly = build_definitions(platform).resolve_job_def("nightly")
    with dg.DagsterInstance.get() as instance:
        watch = Watch(threading.get_ident())
        start = time.perf_counter()
        watch.start()
        result = nightly.execute_in_process(
            instance=instance,
            partition_key=KEY,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        seconds = time.perf_counter() - start
        seen = watch.stop()
    EmbeddedPostgres(settings.home / "postgres").down()
    if not result.success:
        raise SystemExit("the night failed")
    samples = sum(seen.values())
    return {
        "members": members, "seconds": round(seconds, 1), "samples": samples, "dagster": seen["dagster"],
        "share": round(seen["dagster"] / samples, 4), "load": f"{os.getloadavg()[0]:.1f}",
    }  # fmt: skip


def main() -> None:
    """Print the share, and save it where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=HOUSEHOLDS)
    parser.add_argument("--work", type=Path, default=Path("/tmp/hemsil-bench"))
    parser.add_argument("--save", type=Path)
    given = parser.parse_args()
    row = measured(given.members, given.work)
    print(", ".join(f"{key} {value}" for key, value in row.items()))
    save([row], given.save)


if __name__ == "__main__":
    main()
