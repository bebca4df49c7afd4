"""A club's source tables in hand, and what of them one night may know. Definitions are in source_tables.py."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from ml.night import Night
from ml.source_tables import SOURCE_TABLES
from ml.tables import Table


@dataclass(frozen=True)
class Club:
    """The source tables as Ibis expressions with the contract's columns and types.

    A table that the club does not record is there with no rows, and its name is missing from `recorded`.
    """

    members: ir.Table
    stores: ir.Table
    products: ir.Table
    campaigns: ir.Table
    offers: ir.Table
    offer_products: ir.Table
    audiences: ir.Table
    declared_facts: ir.Table
    consents: ir.Table
    preferences: ir.Table
    transactions: ir.Table
    mailings: ir.Table
    responses: ir.Table
    feedback: ir.Table
    cases: ir.Table
    recorded: frozenset[str]

    @classmethod
    def of(cls, tables: Mapping[str, ir.Table]) -> "Club":
        """A club of the given tables; the optional ones may be absent. Raises KeyError on a missing required one."""
        held = {
            t.name: empty(t.schema) if t.optional and t.name not in tables else tables[t.name] for t in SOURCE_TABLES
        }
        return cls(**held, recorded=frozenset(tables))

    def tables(self) -> dict[str, ir.Table]:
        """The recorded tables by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name in self.recorded}


def table_of(definition: Table, rows: Sequence[Mapping[str, object]]) -> ir.Table:
    """A small table from Python rows; what a row does not name is null."""
    full = [{name: row.get(name) for name in definition.names} for row in rows]
    return ibis.memtable(pa.Table.from_pylist(full, schema=definition.schema.to_pyarrow()))


def empty(schema: ibis.Schema) -> ir.Table:
    """A table of no rows."""
    return ibis.memtable([], schema=schema)


def visible(club: Club, night: Night) -> Club:
    """What the night may know: events strictly before `night.as_of`, campaigns begun by the business date with their
    offers and audiences, members joined by then. Nothing later can be told apart from not being there."""
    seen: dict[str, ir.Table] = {}
    for definition in SOURCE_TABLES:
        if definition.name not in club.recorded:
            continue
        table = getattr(club, definition.name)
        if definition.name == "members":
            table = table.filter(table.joined_on.isnull() | (table.joined_on <= night.business_date))
        elif definition.known_from.endswith("_at"):
            table = table.filter(table[definition.known_from] < ibis.literal(night.as_of))
        elif definition.known_from:
            table = table.filter(table[definition.known_from] <= night.business_date)
        if definition.name == "cases":  # a case closed later is still open tonight
            closed = table.closed_at
            table = table.mutate(
                closed_at=(closed < ibis.literal(night.as_of)).ifelse(closed, ibis.null("timestamp(6)"))
            )
        if definition.parent:
            parent, column = definition.parent
            table = table.semi_join(seen[parent], column)
        seen[definition.name] = table
    return Club.of(seen)
