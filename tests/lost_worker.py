"""A Spark of two workers on this machine, one of which is killed while the features are made. Run as a program of its own, as a
process has one Spark: `python -m tests.lost_worker FOLDER` reads the club in the folder, and writes the features beside it.
"""

import os
import signal
import sys
import threading
import time
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq

from ml.examples import night_asks
from ml.features import feature_tables
from ml.night import Night
from resources.engine import open_engine
from resources.settings import Settings
from tests.engines import club_on

WORKERS = "local-cluster[2,1,1024]"
KEPT = 2  # tables that are made before a worker is lost: some of the work is done, most is not


def workers() -> list[int]:
    """Processes of the executors of this process's Spark: children of its Java."""
    running = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [
        pid
        for pid in running
        if "CoarseGrainedExecutorBackend" in _command(pid) and _parent(_parent(pid)) == os.getpid()
    ]


def _command(pid: int) -> str:
    try:
        return Path("/proc", str(pid), "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _parent(pid: int) -> int:
    try:
        return int(Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def main(folder: Path, day: str) -> None:
    engine = open_engine(Settings(home=folder / "home", engine=WORKERS, memory_limit="1GB"))
    held = {path.stem: pq.read_table(path) for path in (folder / "club").glob("*.parquet")}
    club = club_on(engine, held, folder / "club")
    done: list[str] = []

    def kill_one() -> None:
        while not engine.scratch.exists() or len(list(engine.scratch.iterdir())) < KEPT:
            time.sleep(0.05)
        two = workers()
        os.kill(min(two), signal.SIGKILL)
        done.append(f"killed one of {len(two)} workers")

    threading.Thread(target=kill_one, daemon=True).start()
    night = Night(date.fromisoformat(day), "Europe/Oslo")
    made = feature_tables(club, night_asks(club, night)).tables()
    assert done, "nothing was killed before the work was done"
    for name, table in made.items():
        pq.write_table(table.to_pyarrow(), folder / f"{name}.features")
    print(done[0])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
