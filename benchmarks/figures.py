"""Where the figures of a run are kept: a CSV file a benchmark, which the pages of docs/ are made from."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path


def save(rows: Sequence[Mapping[str, object]], path: Path | None) -> None:
    """Write the rows, with the names that the first has as header; nothing where no file was asked for."""
    if path is None:
        return
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
