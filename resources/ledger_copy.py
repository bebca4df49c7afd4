"""A copy of what members have said and what was handed out to be sent, in the data folder and so outside of the database. A database
that was restored from a backup of two days ago hears again from it what it has forgotten, before its views open.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from resources.database import reaching

# Ledger -> what numbers its rows, and what tells that a row is the one that was copied.
NUMBERED = {"events": ("place", "hash"), "feedback": ("place", "hash"), "preferences": ("place", "hash"),
            "claims": ("claim_id", "claimed_at")}  # fmt: skip
SAID, HEADS = "said.jsonl", "heads.json"
_HERE = "SELECT oid FROM pg_database WHERE datname = current_database()"
AT_ONCE = 5_000  # rows handed to the database in one call
Heads = dict[str, list[Any]]


@dataclass(frozen=True)
class LedgerCopy:
    """The copy in one folder, for its owner alone. It names members, so an erasure writes it anew."""

    folder: Path
    engine: Engine

    def behind(self) -> str:
        """Why the database must hear the copy again; "" where it has everything. Raises DatabaseUnavailable."""
        with reaching(self.engine), self.engine.connect() as connection:
            restored = f"SELECT EXISTS (SELECT FROM platform.pointer WHERE database <> ({_HERE}))"
            if connection.scalar(sa.text(restored)):
                return "the database was restored from a backup"
            heads = self._heads()
            for ledger in NUMBERED.keys() & heads.keys():
                number, mark = heads[ledger]
                if not _has(connection, ledger, number, mark):
                    return f"the ledger {ledger} has lost what was in it at place {number}: an older backup was restored over it"
        return ""

    def keep(self) -> int:
        """Copy what is new, and give how many rows. Only for a database that is not behind. Raises DatabaseUnavailable."""
        return self._write(self._heads(), anew=False)

    def hear_again(self) -> dict[str, int]:
        """Put into the database what only the copy has, and let the views open: ledger -> rows. May be done again.

        Raises DatabaseUnavailable; then nothing of it was done.
        """
        added: dict[str, int] = {}
        with reaching(self.engine), self.engine.begin() as connection:
            for ledger, rows in self._stored():
                call = sa.text("SELECT live.hear_again(:ledger, CAST(:rows AS jsonb))")
                found = connection.scalar(call, {"ledger": ledger, "rows": json.dumps(rows)})
                if found:
                    added[ledger] = added.get(ledger, 0) + int(found)
            connection.execute(sa.text(f"UPDATE platform.pointer SET database = ({_HERE})"))
        self.write_anew()
        return added

    def write_anew(self) -> None:
        """Make the copy what the database has now: after an erasure, or once it has been heard again."""
        self._write({}, anew=True)

    def _write(self, heads: Heads, anew: bool) -> int:
        """Copy the rows beyond `heads`, one after the other, and only then note how far it went: what is copied twice for a
        power cut in between does no harm."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        copied = 0
        path = self.folder / (f"{SAID}.new" if anew else SAID)
        kind = os.O_TRUNC if anew else os.O_APPEND
        with (
            reaching(self.engine),
            self.engine.connect() as connection,
            os.fdopen(os.open(path, kind | os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file,
        ):
            for ledger, row in _rows_beyond(connection, heads):
                file.write(json.dumps({"ledger": ledger, "row": row}, ensure_ascii=False) + "\n")
                copied += 1
            file.flush()
            os.fsync(file.fileno())
        if anew:
            os.replace(path, self.folder / SAID)
        if copied or anew:
            _replace(self.folder / HEADS, json.dumps(heads))
        return copied

    def _heads(self) -> Heads:
        try:
            found: Heads = json.loads((self.folder / HEADS).read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def _stored(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """The copy's rows, some thousand of one ledger at a time. A line that was cut off while it was written is passed over."""
        held: dict[str, list[dict[str, Any]]] = {}
        try:
            file = (self.folder / SAID).open(encoding="utf-8")
        except FileNotFoundError:
            return
        with file:
            for line in file:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue
                rows = held.setdefault(entry["ledger"], [])
                if entry["row"].get("member_id") != "(erased)":
                    rows.append(entry["row"])
                if len(rows) >= AT_ONCE:
                    yield entry["ledger"], held.pop(entry["ledger"])
        yield from ((ledger, rows) for ledger, rows in held.items() if rows)


def _has(connection: Connection, ledger: str, number: int, mark: str) -> bool:
    if ledger == "claims":  # the outlived ones are deleted, so their numbers tell
        query = "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('live.claims', 'claim_id')) >= :number, true)"
        return bool(connection.scalar(sa.text(query), {"number": number}))
    column, told = NUMBERED[ledger]
    query = f"SELECT to_jsonb(e) ->> '{told}' FROM live.{ledger} e WHERE {column} = :number"
    return bool(connection.scalar(sa.text(query), {"number": number}) == mark)


def _rows_beyond(connection: Connection, heads: Heads) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every ledger's rows after its head, and the digests that are not there. `heads` is moved on as they are read."""
    connection.execute(sa.text("SET LOCAL TIME ZONE 'UTC'"))
    for ledger, (column, told) in NUMBERED.items():
        query = f"SELECT to_jsonb(e) FROM live.{ledger} e WHERE {column} > :number ORDER BY {column}"
        found = connection.execute(
            sa.text(query), {"number": heads.get(ledger, [0])[0]}, execution_options={"yield_per": AT_ONCE}
        )
        for row in found.scalars():
            heads[ledger] = [row[column], row[told]]
            yield ledger, row
    known = set(heads.get("erased", []))
    for row in connection.scalars(sa.text("SELECT to_jsonb(e) FROM live.erased e ORDER BY digest")).all():
        if row["digest"] not in known:
            heads.setdefault("erased", []).append(row["digest"])
            yield "erased", row


def _replace(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    with os.fdopen(os.open(beside, os.O_TRUNC | os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
