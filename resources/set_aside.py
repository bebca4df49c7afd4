"""What a night set aside: as a page among its reports, in counts; and the rows themselves for whoever mends them."""

import csv
from pathlib import Path

from ml.errors import SettingsError
from ml.lake_tables import QUARANTINE
from ml.quarantine_words import quarantine_told
from ml.source_tables import SOURCE_TABLES
from resources.platform import Platform
from resources.text_page import write_page


def told_of(platform: Platform, key: str) -> tuple[str, int]:
    """Markdown on the quarantine of a business date, and how many rows it has. Raises NotInLake, DamagedTable."""
    rows = platform.lake.read(QUARANTINE, key)
    counted = rows.group_by("table_name", "rule").aggregate(rows=rows.count()).to_pyarrow().to_pylist()
    found = [(row["table_name"], row["rule"], int(row["rows"])) for row in counted]
    read: dict[str, int] = {}
    for definition in SOURCE_TABLES:
        aside = sum(count for table, _, count in found if table == definition.name)
        read[definition.name] = platform.lake.manifest(definition.name, key).rows + aside
    return quarantine_told(found, read, platform.policy.quality.max_quarantined_share), sum(n for _, _, n in found)


def write_quarantine_page(platform: Platform, key: str) -> Path:
    """Write the page among the date's reports."""
    text, count = told_of(platform, key)
    reason = f"{count:,} rows of the club's tables were set aside" if count else "every row could be used"
    return write_page(text, "quarantine", "Quarantine", reason, platform.settings.reports / key)


def write_rows(platform: Platform, key: str, to: Path) -> int:
    """Write the rows as CSV, for the owner of the file alone; gives how many. Raises SettingsError, NotInLake."""
    rows = platform.lake.read(QUARANTINE, key).order_by("table_name", "rule", "row_id").to_pyarrow()
    try:
        to.touch(mode=0o600)
        to.chmod(0o600)  # it may have been there, for others to read
        with to.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(rows.column_names)
            writer.writerows(zip(*(column.to_pylist() for column in rows.columns), strict=True))
    except OSError as error:
        raise SettingsError(f"--to {to}: {error.strerror}") from None
    return int(rows.num_rows)
