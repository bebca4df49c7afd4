"""Rows set aside: which rows of a table do not stand beside the others (they point to nothing, or repeat a key), how a
row that broke a rule is kept, and whom it leaves in doubt. What is wrong with a row by itself is quality.py's.
"""

from collections.abc import Mapping
from datetime import datetime

import ibis
import ibis.expr.types as ir

from ml.lake_tables import QUARANTINE
from ml.source_tables import SOURCE_TABLES
from ml.tables import Table, Type

FAULT = "_fault"  # the first rule the row broke, or null
RAW = "_raw"  # the row as it came, as a struct
KNOWN = "_known"  # the key of a good row
_COPY = "_copy"
_HOLDS_MAIL_BACK = ("not_for_me", "complaint", "unsubscribe")


def split(typed: ir.Table, definition: Table, known: Mapping[str, ir.Table]) -> tuple[ir.Table, ir.Table, int]:
    """Good rows, bad rows, and the number of bad rows.

    typed     the table in the contract's types with FAULT and RAW
    known     table -> KNOWN, the keys of its good rows; a table that is not there is not asked for

    Faults that are not there are not looked for again: a table without any stays a plain projection of what came,
    however often it is read.
    """
    key = definition.key
    flagged = _point_to_nothing(typed, definition, known)
    by_key = flagged.group_by(*key).aggregate(_bad=flagged[FAULT].count(), _good=flagged[FAULT].isnull().sum())
    spare = ibis.greatest(by_key["_good"] - 1, 0)
    counted = by_key.aggregate(failed=by_key["_bad"].sum(), copies=spare.sum()).to_pyarrow().to_pylist()[0]
    failed, copies = int(counted["failed"] or 0), int(counted["copies"] or 0)

    good = flagged.filter(flagged[FAULT].isnull()) if failed else typed
    bad = flagged.filter(flagged[FAULT].notnull())
    if copies:
        repeated = by_key.filter(by_key["_good"] > 1)
        several = good.semi_join(repeated, key)
        order = [sort_key for column in definition.names for sort_key in _careful_first(several, definition, column)]
        place = ibis.row_number().over(group_by=key, order_by=[*order, _as_json(several).asc()])
        several = several.mutate(**{_COPY: place})
        good = good.anti_join(repeated, key).union(several.filter(several[_COPY] == 0).drop(_COPY))
        rule = ibis.literal("duplicate:" + "+".join(key))
        bad = bad.union(several.filter(several[_COPY] > 0).drop(_COPY).mutate(**{FAULT: rule}))
    return good, bad, failed + copies


def keep(bad: ir.Table, definition: Table, found_at: datetime) -> ir.Table:
    """Bad rows of a table as rows of the lake table `quarantine`, one for one.

    found_at   UTC, without zone
    """
    kept = bad.select(
        table_name=ibis.literal(definition.name),
        rule=bad[FAULT],
        member_id=bad.member_id if "member_id" in definition.names else ibis.null("string"),
        row=_as_json(bad),
    )
    kept = kept.mutate(row_id=kept.row.hexdigest("sha256").left(32))
    # The same row may have come three times: the second and third get an id of their own.
    turn = ibis.row_number().over(group_by=kept.row_id, order_by=kept.rule)
    kept = kept.mutate(row_id=(turn > 0).ifelse(kept.row_id + "-" + (turn + 1).cast("string"), kept.row_id))
    return kept.mutate(found_at=ibis.literal(found_at)).select(*QUARANTINE.names).cast(QUARANTINE.schema)


def doubts(quarantine: ir.Table) -> ir.Table:
    """(member_id): members of whom a row on consent or preferences, or of a complaint or an unsubscribing, could not be
    used. What it said may have been no, so they are not mailed. A second copy of a row that was read is no doubt.

    quarantine   rows of the lake table `quarantine`
    """
    heeded = [t.name for t in SOURCE_TABLES if t.heeded]
    refusal = (quarantine.table_name == "responses") & quarantine.row.re_search("complaint|unsubscribe")
    unread = (quarantine.table_name.isin(heeded) | refusal) & ~quarantine.rule.startswith("duplicate:")
    return quarantine.filter(unread, quarantine.member_id.notnull()).select("member_id").distinct()


def _point_to_nothing(typed: ir.Table, definition: Table, known: Mapping[str, ir.Table]) -> ir.Table:
    """The table with `unknown:column` as FAULT where a good row points to a row that is not among its parent's."""
    for column in definition.columns:
        if column.references not in known:
            continue
        keys = known[column.references]
        joined = typed.left_join(keys, typed[column.name] == keys[KNOWN])
        unknown = joined[FAULT].isnull() & joined[column.name].notnull() & joined[KNOWN].isnull()
        typed = joined.mutate(**{FAULT: unknown.ifelse(f"unknown:{column.name}", joined[FAULT])}).drop(KNOWN)
    return typed


def _careful_first(table: ir.Table, definition: Table, column: str) -> list[ir.Value]:
    """Sort keys by which, of rows with one key, the one that holds mail back comes first and so stays: "no" (false)
    before "yes", a complaint before a click, an open case before a closed one, few messages a week before many."""
    value, kind = table[column], definition[column].type
    if kind is Type.STRINGS:
        value = value.join("\n")
    words = [value.notin(_HOLDS_MAIL_BACK).asc()] if definition[column].allowed and kind is Type.STRING else []
    return [*words, value.asc(nulls_first=kind is Type.TIME)]


def _as_json(rows: ir.Table) -> ir.StringValue:
    """The row word for word as one JSON object; single values are text, as NaN has no JSON."""
    raw = rows[RAW]
    values = {n: raw[n] if kind.is_nested() else raw[n].cast("string") for n, kind in raw.type().items()}
    return ibis.struct(values).cast("json").cast("string")
