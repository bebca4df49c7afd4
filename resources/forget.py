"""A member taken out of everything: the database, the lake, exported files; and models that learned from the member
marked. What stays is told in erasure.py. Nothing here prints or logs an id.
"""

import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from ml.errors import RegistryUnavailable
from ml.lake_tables import QUARANTINE
from ml.source_tables import MEMBERS
from resources.database import reaching
from resources.erasure import digest, erasure_key, normalised
from resources.lake_rewrite import rewrite
from resources.platform import Platform

ERASURE = "a member was erased"
# Tables whose old row versions hold the member until they are written anew.
_REWRITTEN = ("platform.offers", "platform.suppressions", "platform.reasks", "platform.said", "platform.same_person", "live.claims",
              "live.events", "live.feedback", "live.preferences")  # fmt: skip


@dataclass(frozen=True)
class Forgotten:
    """What an erasure found, in counts.

    database  table -> rows; lake  table -> rows over all dates; files  exports deleted; models  versions marked, None where
    the registry could not be reached
    """

    database: dict[str, int] = field(default_factory=dict)
    lake: dict[str, int] = field(default_factory=dict)
    files: int = 0
    models: int | None = 0

    @property
    def anything(self) -> bool:
        return bool(any(self.database.values()) or self.lake or self.files)


def remember(platform: Platform, member: str, reason: str) -> None:
    """Note the member's digest, so that no file brings the member back. It holds from its commit on.

    Raises DatabaseUnavailable, SettingsError.
    """
    engine = platform.marts.engine
    key = erasure_key(platform.settings.erasure_key)
    with reaching(engine), engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO live.erased (digest, reason) VALUES (:digest, :reason) ON CONFLICT DO NOTHING"),
            {"digest": digest(key, member), "reason": reason},
        )


def forget(platform: Platform, member: str) -> Forgotten:
    """Take the member out of all that is stored, however the id is written there. May be done again, and finishes what was
    broken off.

    Raises DatabaseUnavailable, DamagedTable.
    """
    written = as_written(platform, member)
    database = _out_of_the_database(platform, written)
    if not platform.ledger_copy.behind():
        platform.ledger_copy.write_anew()
    lake, dates = _out_of_the_lake(platform, written)
    files = platform.lake.clear_parts()
    for path in {path for each in written for path in mentioning(platform.settings.exports, each)}:
        path.unlink()
        files += 1
    models: int | None
    try:
        models = platform.registry.trained_with(dates, datetime.now(UTC).date()) if dates else 0
    except RegistryUnavailable:
        models = None
    return Forgotten(database, lake, files, models)


def as_written(platform: Platform, member: str) -> list[str]:
    """The id as it was given, and as it is written among the newest night's members, in rows that were set aside, and in what
    was said to us: one that comes back in other letters of case is known for the same, so it has to go as the same.

    Raises DatabaseUnavailable, DamagedTable.
    """
    lake, ids = platform.lake, {member}
    for table, dates in ((MEMBERS, lake.dates(MEMBERS.name)[-1:]), (QUARANTINE, lake.dates(QUARANTINE.name))):
        for date in dates:
            ids.update(lake.read(table, date).member_id.to_pyarrow().to_pylist())
    engine = platform.marts.engine
    with reaching(engine), engine.connect() as connection:
        for ledger in ("events", "feedback", "preferences", "claims"):
            ids.update(connection.scalars(sa.text(f"SELECT DISTINCT member_id FROM live.{ledger}")))
    return sorted({member} | {each for each in ids if each and normalised(each) == normalised(member)})


def _out_of_the_database(platform: Platform, written: list[str]) -> dict[str, int]:
    engine = platform.marts.engine
    found: Counter[str] = Counter()
    with reaching(engine):
        with engine.begin() as connection:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(4865002)"))  # not beside a publish
            for member in written:
                for table, rows in connection.execute(
                    sa.text("SELECT * FROM platform.erase(:member)"), {"member": member}
                ):
                    found[table] += rows
        with engine.connect() as connection:
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            for table in _REWRITTEN:  # a deleted row stays in the file until the table is written anew
                alone.execute(sa.text(f"VACUUM (FULL, ANALYZE) {table}"))
            if connection.scalar(sa.text("SELECT current_setting('is_superuser')")) == "on":
                alone.execute(sa.text("VACUUM (FULL, ANALYZE) pg_catalog.pg_statistic"))  # commonest values are ids too
                alone.execute(sa.text("SELECT pg_switch_wal()"))
                alone.execute(sa.text("CHECKPOINT"))
    return {table: rows for table, rows in found.items() if rows}


def _out_of_the_lake(platform: Platform, written: list[str]) -> tuple[dict[str, int], set[str]]:
    """Rows that went, by table, and the business dates they were of."""
    lake = platform.lake
    gone: dict[str, int] = {}
    dates: set[str] = set()
    for table in lake.tables():
        for date in lake.dates(table):
            rows = rewrite(lake, table, date, lambda batch: _of_member(batch, written), ERASURE)
            if rows:
                gone[table] = gone.get(table, 0) + rows
                dates.add(date)
    return gone, dates


def _of_member(batch: pa.RecordBatch, written: list[str]) -> pa.Array:
    """Which rows speak of the member: by the column, or, of rows that could not be read, anywhere in their text."""
    rows = pa.repeat(pa.scalar(False), batch.num_rows)
    if "member_id" in batch.schema.names:
        rows = pc.fill_null(pc.is_in(batch["member_id"], pa.array(written, pa.string())), False)
    for member in written if "row" in batch.schema.names else ():
        named = pc.match_substring(batch["row"], json.dumps(member, ensure_ascii=False))
        rows = pc.or_(rows, pc.fill_null(named, False))
    return rows


def mentioning(folder: Path, member: str) -> Iterator[Path]:
    """Exported files that have the member in them, of whichever format."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        with suppress(OSError, pa.ArrowException, zipfile.BadZipFile):
            if path.is_file() and _mentions(path, member):
                yield path


def _mentions(path: Path, member: str) -> bool:
    if path.suffix == ".parquet":
        column = pq.read_table(path, columns=["member_id"])["member_id"]
        return bool(pc.any(pc.equal(column, member)).as_py())
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            return any(member.encode() in book.read(name) for name in book.namelist())
    return member.encode() in path.read_bytes()
