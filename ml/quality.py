"""The door through which a club's tables come in: whole tables that break the contract are refused, rows that break it
are set aside with the rule they broke, and what is left has the contract's columns and types. How single values are
read is in reading.py, what the columns are in source_tables.py. How much is too much is the policy's.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import ibis
import ibis.expr.types as ir

from ml.audiences import NOBODY, or_nobody
from ml.club import empty
from ml.errors import ContractError
from ml.lake_tables import QUARANTINE
from ml.quarantine import FAULT, KNOWN, RAW, keep, split
from ml.reading import Reading, nothing, read
from ml.source_tables import AUDIENCES, SOURCE_TABLES
from ml.tables import Column, Table, Type

EARLIEST, LATEST = date(1880, 1, 1), date(9999, 12, 31)  # outside lie slips of the pen and databases' "infinity"

_VALUE = r"(s|true|false|-?[0-9.eE+-]+)"
_VALUES = rf"({_VALUE}|\[({_VALUE}(,{_VALUE})*)?\])"
_FACTS_AND_VALUES = rf"^\{{(s:{_VALUES}(,s:{_VALUES})*)?\}}$"  # of valid JSON, with s for each of its texts


@dataclass(frozen=True)
class Checked:
    """A club's tables after the check.

    clean            table -> its good rows, with the contract's columns and types in order; recorded tables only
    quarantined      the rows that broke a rule (lake table `quarantine`): each once, with the first rule it broke
    counts           table -> (rows that came, rows quarantined); the clean table has the difference
    unknown_columns  table -> columns that the contract does not have; they are ignored
    """

    clean: dict[str, ir.Table]
    quarantined: ir.Table
    counts: dict[str, tuple[int, int]]
    unknown_columns: dict[str, list[str]]

    def notes(self, table: str) -> dict[str, str]:
        """What to show beside a table; empty for one that the club does not record."""
        if table not in self.counts:
            return {}
        rows, quarantined = self.counts[table]
        ignored = ", ".join(self.unknown_columns.get(table, ()))
        return {"rows_in": str(rows), "quarantined": str(quarantined), "ignored_columns": ignored or "none"}


def check_tables(raw: Mapping[str, ir.Table], now: datetime, origins: Mapping[str, str] | None = None) -> Checked:
    """Check a club's tables against the contract. `now` is the real clock's time, `origins` says where a table was
    found ("members.csv"), for the message.

    The rules for a row, in the order in which they are tried: for each column in turn `null`, `type` (does not read as
    the contract's type), `not_finite`, `range`, `value` (not among the allowed), `form` (JSON that is not of facts and
    their values), `future` (a time after `now`); then
    `order` (a campaign that ends before it starts); then `unknown` (what it points to is not there, or is itself
    quarantined); then `duplicate` (of the rows of one key that are otherwise good, one stays).

    Counting needs one or two passes over each table; the tables given back are lazy.

    Raises ContractError that names every table and column at fault when a required table is missing or has no rows, a
    column is missing, or a column as a whole is of another type or without a value.
    """
    asked = {t.name: t for t in SOURCE_TABLES if t.name in raw}
    faults = [f"table {t.name} is missing" for t in SOURCE_TABLES if not t.optional and t.name not in raw]
    readings: dict[str, dict[str, Reading]] = {}
    rows: dict[str, int] = {}
    for name, definition in asked.items():
        readings[name], found = _read_columns(raw[name], definition)
        if not found:
            rows[name], found = _whole_table_faults(raw[name], definition, readings[name])
        place = f" ({origins[name]})" if origins and name in origins else ""
        faults += [f"table {name}{place}: {fault}" for fault in found]
    if faults:
        raise ContractError("the club's tables break the contract: " + "; ".join(faults))

    clean: dict[str, ir.Table] = {}
    known: dict[str, ir.Table] = {}
    failed: list[ir.Table] = []
    counts: dict[str, tuple[int, int]] = {}
    for name, definition in asked.items():
        typed = _typed(raw[name], definition, readings[name], now)
        if definition is AUDIENCES:
            typed = typed.filter((typed.member_id != NOBODY).fill_null(True))
        good, bad, quarantined = split(typed, definition, known)
        counts[name] = (rows[name], quarantined)
        clean[name] = good.select(*definition.names)
        if definition is AUDIENCES:
            named = raw[name].select(campaign_id=readings[name]["campaign_id"].value.cast("string"))
            clean[name] = or_nobody(clean[name], named)
        key = definition.key[0]
        known[name] = good.select(**{KNOWN: key})
        if not quarantined:  # straight from the raw table: that keeps the queries of its children short
            known[name] = raw[name].select(**{KNOWN: readings[name][key].value})
        if quarantined:
            failed.append(keep(bad, definition, _utc(now)))
    return Checked(
        clean=clean,
        quarantined=ibis.union(empty(QUARANTINE.schema), *failed),
        counts=counts,
        unknown_columns={n: extra for n, d in asked.items() if (extra := sorted(set(raw[n].columns) - set(d.names)))},
    )


def too_many(counts: Mapping[str, tuple[int, int]], limit: float) -> list[str]:
    """A sentence for each table of which more than `limit` (share 0..1) was quarantined; `counts` as in `Checked`.

    >>> too_many({"members": (10, 1), "mailings": (10, 3)}, limit=0.1)
    ['table mailings: 3 of 10 rows (30.0 %) break the contract, the policy allows 10.0 %']
    """
    return [
        f"table {name}: {bad:,} of {rows:,} rows ({100 * bad / rows:.1f} %) break the contract, "
        f"the policy allows {100 * limit:.1f} %"
        for name, (rows, bad) in counts.items()
        if rows and bad / rows > limit
    ]


def watermarks(tables: Mapping[str, ir.Table]) -> dict[str, str | None]:
    """The newest time or date known of each table that has one, ISO 8601; None where such a table has no rows.

    tables   checked tables by name, as `Club.tables()` gives them
    """
    marks: dict[str, str | None] = {}
    for definition in SOURCE_TABLES:
        if definition.known_from and definition.name in tables:
            newest = tables[definition.name][definition.known_from].max().to_pyarrow().as_py()
            zone = "Z" if isinstance(newest, datetime) else ""
            marks[definition.name] = newest.isoformat() + zone if newest else None
    return marks


def _read_columns(raw: ir.Table, definition: Table) -> tuple[dict[str, Reading], list[str]]:
    """How each column of the contract reads, and what is wrong with columns as their names and types tell."""
    readings: dict[str, Reading] = {}
    faults: list[str] = []
    others = [c for c in raw.columns if c not in definition.names]
    for column in definition.columns:
        name = column.name
        if name in raw.columns:
            reading = read(raw[name], column.type)
            if reading is None and not _numbers(raw, {name: raw[name].count()})[name]:
                reading = read(raw[name].cast("string"), column.type)  # a column without a value has no type of its own
            if reading is None:
                faults.append(f"column {name} is {raw[name].type()}, not {column.type.words}")
            else:
                readings[name] = reading
        elif column.added:
            readings[name] = nothing(column.type)
        else:
            like = difflib.get_close_matches(name, others, n=1)
            faults.append(f"column {name} is missing" + (f" (is it {like[0]}?)" if like else ""))
    return readings, faults


def _whole_table_faults(raw: ir.Table, definition: Table, readings: Mapping[str, Reading]) -> tuple[int, list[str]]:
    """Number of rows, and what is wrong with the table as a whole, as its values tell. A single bad row is a bad row,
    not a bad table."""
    columns = {c.name: c for c in definition.columns if c.name in raw.columns}
    good = _numbers(raw, {"_rows": raw.count()} | {name: readings[name].value.count() for name in columns})
    rows = good.pop("_rows")
    if rows == 0:
        return rows, [] if definition.optional else ["it has no rows; missing is not zero"]
    doubtful = [column for name, column in columns.items() if not good[name]]
    filled = _numbers(raw, {column.name: readings[column.name].filled.sum() for column in doubtful})
    faults = []
    for column in doubtful if rows > 1 else ():
        if not filled[column.name] and not column.nullable:
            faults.append(f"column {column.name} holds no value")
        elif 2 * filled[column.name] >= rows:
            faults.append(f"column {column.name} holds nothing that reads as {column.type.words}")
    return rows, faults


def _numbers(table: ir.Table, counts: Mapping[str, ir.IntegerScalar]) -> dict[str, int]:
    """The counts as numbers, found in one pass; the sum of no rows is 0."""
    if not counts:
        return {}
    return {name: int(n or 0) for name, n in table.aggregate(**counts).to_pyarrow().to_pylist()[0].items()}


def _typed(raw: ir.Table, definition: Table, readings: Mapping[str, Reading], now: datetime) -> ir.Table:
    """The table in the contract's types, with FAULT, the first rule that a row breaks by itself, and RAW."""
    faults = [fault for column in definition.columns for fault in _faults(column, readings[column.name], now)]
    if definition.name == "campaigns":
        faults.append((readings["ends_on"].value < readings["starts_on"].value, "order:ends_on"))
    return raw.select(
        **{column.name: readings[column.name].value.cast(column.type.ibis) for column in definition.columns},
        **{FAULT: ibis.cases(*faults, else_=ibis.null("string"))},
        **{RAW: ibis.struct({name: raw[name] for name in raw.columns})},
    )


def _faults(column: Column, reading: Reading, now: datetime) -> list[tuple[ir.BooleanValue, str]]:
    """(condition, rule) for each way in which a value of the column can be wrong, first things first."""
    value = reading.value
    found: list[tuple[ir.BooleanValue | None, str]] = []
    if not column.nullable:
        found.append((~reading.filled, "null"))
    found += [(reading.type, "type"), (reading.not_finite, "not_finite"), (reading.too_large, "range")]
    least, most = column.minimum, column.maximum
    if column.type in (Type.TIME, Type.DATE):
        day = value.cast("date")
        found.append(((day < EARLIEST) | (day > LATEST), "range"))
    if least is not None:
        found.append((value < least, "range"))
    if most is not None:
        found.append((value > most, "range"))
    if column.type is Type.STRINGS:
        wrong = value.filter(lambda each: each.isnull() | (each.notin(column.allowed) if column.allowed else False))
        found.append((wrong.length() > 0, "value"))
    elif column.allowed:
        found.append((value.notin(column.allowed), "value"))
    if column.type is Type.JSON:
        bare = value.re_replace(r'"(?:[^"\\]|\\.)*"', "s").re_replace(r"\s", "")
        found.append((~bare.re_search(_FACTS_AND_VALUES), "form"))
    if column.type is Type.TIME:
        found.append((value > ibis.literal(_utc(now), Type.TIME.ibis), "future"))
    return [(condition, f"{rule}:{column.name}") for condition, rule in found if condition is not None]


def _utc(now: datetime) -> datetime:
    """UTC without zone, as lake times are."""
    return now.astimezone(UTC).replace(tzinfo=None) if now.tzinfo else now
