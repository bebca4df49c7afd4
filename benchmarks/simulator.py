"""What the invented club costs: a year of its history written to Parquet, in a process of its own for each size, with its time and its
largest memory. Memory must not grow with the club.

    python -m benchmarks.simulator [--members 20000 100000] [--save FILE]
"""

import argparse
import csv
import os
import sys
import tempfile
from pathlib import Path

from resources.sources.simulated import write_tables
from simulator.club import InventedClub

COLUMNS = ("members", "weeks", "wall_s", "cpu_s", "peak_mb", "parquet_mb")
WEEKS = 52


def measure(members: int) -> dict[str, object]:
    """Write the club in a child of this process and say what that took."""
    with tempfile.TemporaryDirectory() as folder:
        begun = os.times().elapsed
        child = os.fork()
        if child == 0:
            write_tables(InventedClub(members, 1, WEEKS), Path(folder) / "club")
            os._exit(0)
        _, status, used = os.wait4(child, 0)
        if status:
            raise SystemExit(f"{members} members: the child ended with {status}")
        size = sum(path.stat().st_size for path in (Path(folder) / "club").iterdir())
        wall = os.times().elapsed - begun
    return {
        "members": members, "weeks": WEEKS, "wall_s": round(wall, 1), "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_mb": round(used.ru_maxrss / 1024), "parquet_mb": round(size / 1e6, 1),
    }  # fmt: skip


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, nargs="+", default=[20_000, 100_000])
    parser.add_argument("--save", type=Path)
    asked = parser.parse_args(arguments)
    rows = []
    for members in asked.members:
        rows.append(measure(members))
        print(rows[-1], flush=True)
    if asked.save:
        with asked.save.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
