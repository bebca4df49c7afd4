"""Has anything become slower or larger than what is committed? Compares the files of docs/measured/ with those of the last commit,
by their ratios: each is of two things done in turn in one run, so it tells little of the machine.

    python -m benchmarks.compare [--most 1.25]

Exit code 1, with the file and the number, where a median ratio has grown by more than that factor.
"""

import argparse
import csv
import io
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median

MEASURED = Path(__file__).parent.parent / "docs" / "measured"
RATIO = "ratio"


def ratios(text: str) -> list[float]:
    """The column `ratio` of a CSV file's text; none where it has no such column."""
    return [float(row[RATIO]) for row in csv.DictReader(io.StringIO(text)) if row.get(RATIO)]


def grown(before: str, now: str, most: float) -> str:
    """By how much the median ratio grew, in words; empty where that is within `most` times, or there is nothing to compare."""
    old, new = ratios(before), ratios(now)
    if not old or not new or median(new) <= most * median(old):
        return ""
    return f"median ratio {median(new):.2f}, was {median(old):.2f}: {median(new) / median(old):.2f} times, at most {most:.2f}"


def committed(path: Path) -> str:
    """A file as the last commit has it; empty where it has none."""
    found = subprocess.run(
        ["git", "show", f"HEAD:./{path.name}"], cwd=path.parent, check=False, capture_output=True, text=True
    )
    return found.stdout if found.returncode == 0 else ""


def regressions(paths: Iterable[Path], most: float) -> Iterator[str]:
    for path in paths:
        if words := grown(committed(path), path.read_text(), most):
            yield f"{path.name}: {words}"


def main() -> int:
    """Print what has grown; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=float, default=1.25)
    paths = sorted(MEASURED.glob("*.csv"))
    found = list(regressions(paths, parser.parse_args().most))
    compared = sum(bool(ratios(path.read_text())) for path in paths)
    print("\n".join(found) or f"{compared} files with ratios: none has grown beyond what is committed")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
