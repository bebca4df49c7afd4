"""Writes docs/performance.md from what `make bench` measured. Ratios are of two things done in turn in one run: seconds alone
tell as much of the machine as of the platform.
"""

import csv
from pathlib import Path
from statistics import median

from docs.grid import grid
from docs.render_candidates import candidates_section
from docs.render_night import night_section
from docs.render_peers import peers_section

MEASURED = Path(__file__).parent / "measured" / "publishing.csv"


def performance_page() -> str:
    """The page, as text."""
    with MEASURED.open() as file:
        rounds = list(csv.DictReader(file))
    first = rounds[0]
    told = ((row["round"], row["copy_s"], row["publish_s"], row["ratio"]) for row in rounds)
    ratio = median(float(row["ratio"]) for row in rounds)
    slowest = max(float(row["publish_s"]) for row in rounds)
    return f"""# What it costs

Made by `make docs` from `docs/measured/publishing.csv`, which `make bench` writes; on {first["machine"]}, {first["versions"]}.

## Publishing

Half of {int(first["rows"]):,} rows are offers and half suppressions. They are published as a batch (COPY, keys, every assertion of the gate, the comparison with the nights
before, the pointer) and copied by a plain COPY into tables with the same columns and no keys, in turn. The first round writes to a fresh
database; from the second on there is a night before to compare with.

{grid(("round", "plain COPY, s", "published, s", "ratio"), told)}

The median ratio is {ratio:.2f}, and the slowest round took {slowest:.0f} seconds. What publishing adds to COPY is the keys, which PostgreSQL builds row by row.

{night_section()}
{peers_section()}
{candidates_section()}"""
