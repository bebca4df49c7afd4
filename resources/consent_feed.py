"""A file of consents heard between two nights: into the ledger, whole or not at all, so that the views obey it at once."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from ml.errors import ContractError, SettingsError
from ml.source_tables import CHANNELS
from resources.database import reaching
from resources.erasure import Erased, erased_members
from resources.platform import Platform

COLUMNS = ("member_id", "purpose", "channel", "granted", "recorded_at")
_ADD = """
INSERT INTO live.events (member_id, kind, channel, recorded_at, source)
SELECT g.member_id, g.kind, g.channel, g.recorded_at, :source
FROM unnest(CAST(:members AS text[]), CAST(:kinds AS text[]), CAST(:channels AS text[]), CAST(:times AS timestamptz[]))
     g (member_id, kind, channel, recorded_at)
WHERE NOT EXISTS (SELECT FROM live.events e WHERE e.member_id = g.member_id AND e.channel = g.channel AND e.kind = g.kind
                  AND e.recorded_at = g.recorded_at)
"""
_HEARD = """
INSERT INTO live.feeds VALUES (:source, :heard) ON CONFLICT (source)
DO UPDATE SET heard_until = greatest(feeds.heard_until, excluded.heard_until)
"""


@dataclass(frozen=True)
class Heard:
    """What a file brought. rows = of marketing; new = not in the ledger before; erased = of erased members, left out."""

    rows: int
    new: int
    erased: int


def hear(platform: Platform, path: Path, source: str) -> Heard:
    """Add a CSV of contract.md's `consents` to the ledger. A file that was heard before adds nothing.

    The feed counts as heard until the file was written. Raises SettingsError where it cannot be opened, ContractError naming
    the first row and column at fault (then nothing is added), DatabaseUnavailable.
    """
    engine = platform.marts.engine
    now = platform.now().replace(tzinfo=UTC)
    try:
        written = min(datetime.fromtimestamp(path.stat().st_mtime, UTC), now)
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(_marketing(file, path.name, now))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None
    kept = list(_without(rows, erased_members(engine, platform.settings.erasure_key)))
    given = {
        "source": source,
        "members": [row[0] for row in kept],
        "kinds": [row[1] for row in kept],
        "channels": [row[2] for row in kept],
        "times": [row[3] for row in kept],
    }
    with reaching(engine), engine.begin() as connection:
        new = connection.execute(sa.text(_ADD), given).rowcount if kept else 0
        connection.execute(sa.text(_HEARD), {"source": source, "heard": written})
    return Heard(len(rows), new, len(rows) - len(kept))


def _without(rows: list[tuple[str, str, str, datetime]], erased: Erased) -> Iterator[tuple[str, str, str, datetime]]:
    seen = set()
    for row in rows:
        if row not in seen and not (erased.digests and erased.has(row[0])):
            seen.add(row)
            yield row


def _marketing(file: Iterator[str], name: str, now: datetime) -> Iterator[tuple[str, str, str, datetime]]:
    """(member, kind, channel, when) of each row on marketing."""
    reader = csv.DictReader(file)
    if missing := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
        raise ContractError(f"{name} lacks the columns {', '.join(missing)}")
    for number, row in enumerate(reader, start=2):
        if row["purpose"] not in ("marketing", "profiling"):
            raise ContractError(f"{name}, line {number}: purpose must be marketing or profiling")
        if not row["member_id"] or row["member_id"] == "(erased)":
            raise ContractError(f"{name}, line {number}: member_id is missing")
        if row["channel"] not in ("all", *CHANNELS):
            raise ContractError(f"{name}, line {number}: channel must be one of all, {', '.join(CHANNELS)}")
        if row["granted"] not in ("true", "false"):
            raise ContractError(f"{name}, line {number}: granted must be true or false")
        if row["purpose"] == "marketing":
            kind = "opt_in" if row["granted"] == "true" else "opt_out"
            yield row["member_id"], kind, row["channel"], _when(row["recorded_at"], f"{name}, line {number}", now)


def _when(text: str, where: str, now: datetime) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ContractError(f"{where}: recorded_at is not a time like 2026-01-31T08:15:00Z") from None
    when = read if read.tzinfo else read.replace(tzinfo=UTC)
    if when > now:
        raise ContractError(f"{where}: recorded_at is later than now")
    return when
