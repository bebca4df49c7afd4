"""What a night costs, by stage and size: the invented club of hundred_offers.py from its lake tables to the published batch, each
stage in a process of its own, whose time, processor time and peak memory the operating system tells. Of a club of several shards, two
are worked on at a time (--at-once), each by a process with one of the cores, as HEMSIL_EXECUTOR=multiprocess does.

    python -m benchmarks.night --members 10000 100000 [--shards 2] [--limit 900] [--save docs/measured/night.csv]

Stages that were measured before are not measured again (--again does), so an interrupted run is taken up where it stopped. With
--shards only so many shards of the three sharded stages are worked through, and the row says so: the stages after them then see that part of
the members, nothing is published, and a figure for the whole is an extrapolation. Dagster has no part in it.
"""

import argparse
import json
import os
import platform as machine
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.figures import save
from benchmarks.hundred_offers import CAMPAIGNS, OFFERS_EACH, write_club
from benchmarks.night_stages import LEARNERS, STAGES, run_stage
from ml.shards import shard_count
from resources.embedded_postgres import EmbeddedPostgres
from resources.settings import Settings

TOLD = ("rows ", "plan ", "workers ", "before_")  # beginnings of the lines in which a stage tells of itself


def measured(name: str, folder: Path, most: int, limit: float) -> dict[str, Any]:
    """One stage in a process of its own: seconds, processor seconds, peak memory in GB, rows; state "done" or what went wrong."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.night",
        "--stage",
        name,
        "--folder",
        str(folder),
        "--shards",
        str(most),
        "--at-once",
        os.environ["HEMSIL_SHARDS_AT_ONCE"],
        "--a-shard",
        os.environ["HEMSIL_MEMBERS_A_SHARD"],
    ]
    with (folder / f"{name}.log").open("w+") as said:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, start_new_session=True)
        state = "done"
        while True:
            pid, status, used = os.wait4(child.pid, os.WNOHANG)
            if pid:
                break
            if time.perf_counter() - start > limit:
                state = f"stopped after {limit:.0f} s"
                os.killpg(child.pid, signal.SIGKILL)
                pid, status, used = os.wait4(child.pid, 0)
                break
            time.sleep(0.05)
        seconds = time.perf_counter() - start
        said.seek(0)
        told = dict(line.split() for line in said.read().splitlines() if line.startswith(TOLD))
    if status and state == "done":
        state = f"failed: see {folder / name}.log"
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "peak_gb": round(max(used.ru_maxrss / 1e6, *(float(told.get(part, 0)) for part in ("plan", "workers"))), 2),
        "rows": int(told.get("rows", 0)),
        "before_seconds": float(told.get("before_seconds", 0)),
        "before_cpu": float(told.get("before_cpu", 0)),
        "state": state,
    }


def measure(members: int, work: Path, most: int, limit: float, again: bool) -> list[dict[str, Any]]:
    """All stages of one size; a stage that did not end ends the size."""
    folder = work / str(members)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # the embedded PostgreSQL's user must come through
    if not (folder / "club").exists():
        write_club(members, folder / "club")
    found = []
    for name in STAGES:
        told = folder / f"{name}.json"
        if name == "publish" and 0 < most < shard_count(members, Settings(home=folder / "home").members_a_shard):
            break  # the gate refuses lists that leave members out
        if again or not told.exists():
            result = measured(name, folder, most, limit)
            told.write_text(json.dumps(result | {"most": most}))
        result = json.loads(told.read_text())
        shards = shard_count(members, Settings(home=folder / "home").members_a_shard)
        done = min(result.pop("most") or shards, shards)
        pairs = members * CAMPAIGNS * OFFERS_EACH
        found.append(
            {"members": members, "pairs": pairs, "shards": shards, "shards_done": done, "stage": name, **result}
        )
        print(", ".join(f"{key} {value}" for key, value in found[-1].items()), flush=True)
        if result["state"] != "done":
            break
    EmbeddedPostgres(folder / "home" / "postgres").down()
    return found


def _train_once(work: Path, limit: float) -> None:
    if (work / "model").exists():
        return
    folder = work / str(LEARNERS)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "club").exists():
        write_club(LEARNERS, folder / "club")
    for name in ("sources", "train"):
        result = measured(name, folder, 0, limit)
        if result["state"] != "done":
            raise SystemExit(f"the model could not be trained: {result['state']}")


def main() -> None:
    """Print each stage as it is done, and save them where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--shards", type=int, default=0, help="work through so many shards only; 0 = all")
    parser.add_argument("--at-once", type=int, default=2, help="shards worked on at a time, in processes of their own")
    parser.add_argument("--a-shard", type=int, default=12_500, help="members of a shard")
    parser.add_argument("--limit", type=float, default=3600, help="most seconds a stage may take")
    parser.add_argument(
        "--work", type=Path, default=Path("/tmp/hemsil-bench"), help="folder for clubs, lakes and results"
    )
    parser.add_argument("--again", action="store_true", help="measure again what was measured before")
    parser.add_argument("--save", type=Path)
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    # For every process of a stage, and for who reads the folder later.
    os.environ |= {"HEMSIL_SHARDS_AT_ONCE": str(given.at_once), "HEMSIL_MEMBERS_A_SHARD": str(given.a_shard)}
    if given.stage:
        print(f"rows {run_stage(given.stage, given.folder, given.shards)}")
        return
    given.work.mkdir(parents=True, exist_ok=True)
    given.work.chmod(0o755)
    _train_once(given.work, given.limit)
    found = []
    for members in given.members:
        found += measure(members, given.work, given.shards, given.limit, given.again)
    if given.save:
        save_with_machine(found, given.save)


def save_with_machine(found: list[dict[str, Any]], path: Path) -> None:
    """Write the rows with the machine and the versions they were measured on."""
    where = {
        "machine": f"{len(os.sched_getaffinity(0))} cores, {os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.0f} GB, {machine.machine()}",
        "versions": f"Python {machine.python_version()}, DuckDB {version('duckdb')}, XGBoost {version('xgboost')}, pyarrow {version('pyarrow')}",
        "load": f"{os.getloadavg()[0]:.1f}",
    }
    save([row | where for row in found], path)


if __name__ == "__main__":
    main()
