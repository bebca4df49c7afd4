"""What it would lose to predict only for offers that a member has a tie to: of past mailings and their offers, how many would be spared, and
how many of the answered would be among them.

    python -m benchmarks.candidates --home .hemsil --date 2017-11-07 [--save docs/measured/candidates.csv]

--home is a data folder in which a night of that date has made its examples. Asked for was a loss below a thousandth.
"""

import argparse
import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.figures import save
from ml.example_tables import MAILING_EXAMPLES, OFFER_EXAMPLES
from ml.inputs import floats
from resources.platform import Platform
from resources.settings import Settings, prepare_environment

# A pair is a candidate where any of these is above 0; each line adds to those before it.
TIES: Mapping[str, tuple[str, ...]] = {
    "bought of its products": ("product_baskets",),
    "of its subcategories": ("subcategory_baskets",),
    "of its categories": ("category_baskets",),
    "answered alike, interest declared, or asked for more": ("product_answered", "subcategory_answered", "interest_recent", "liked_recent"),
    "of its department": ("department_baskets", "department_interests"),
    "of its brands": ("brand_baskets",),
}  # fmt: skip
POPULAR = "or many buy it (a tenth of the club in 91 days)"
REACH = 0.1


def candidates(rows: pa.Table) -> Mapping[str, NDArray[np.bool_]]:
    """Tie -> is each row a candidate by it or by one of those before it."""
    found: dict[str, NDArray[np.bool_]] = {}
    tied = np.zeros(rows.num_rows, dtype=bool)
    for tie, names in TIES.items():
        for name in names:
            tied = tied | (np.nan_to_num(floats(rows[name])) > 0)
        found[tie] = tied
    found[POPULAR] = tied | (np.nan_to_num(floats(rows["reach"])) >= REACH)
    return found


def measured(rows: pa.Table, club: str, kind: str) -> list[dict[str, object]]:
    """A row a tie: share of the pairs spared, and share of the answered that would be lost."""
    answered = floats(rows["answered"]) > 0
    return [
        {"club": club, "kind": kind, "tie": tie, "pairs": rows.num_rows, "answered": int(answered.sum()),
         "spared": round(float((~tied).mean()), 4), "lost": round(float((~tied)[answered].mean()), 4)}
        for tie, tied in candidates(rows).items()
    ]  # fmt: skip


def main() -> None:
    """Print each tie, and add them to the file where one is given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--date", required=True, help="business date of a night in that data folder")
    parser.add_argument("--club", default="The Complete Journey", help="what to call it in the table")
    parser.add_argument("--save", type=Path, help="a CSV file; rows of other clubs in it are kept")
    given = parser.parse_args()
    prepare_environment()
    lake = Platform(Settings(home=given.home, database_url=None)).lake
    rows = lake.read_batches(OFFER_EXAMPLES, given.date).read_all()
    kind = lake.manifest(MAILING_EXAMPLES.name, given.date).notes["kind"]
    found = measured(rows, given.club, kind)
    for row in found:
        print(", ".join(f"{key} {value}" for key, value in row.items()))
    if given.save:
        others = [row for row in _rows(given.save) if row["club"] != given.club]
        save([*others, *found], given.save)


def _rows(path: Path) -> list[dict[str, object]]:
    if not path.exists():
        return []
    with path.open() as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
