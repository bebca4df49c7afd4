"""What a table definition is: columns with type, unit, meaning, limits. The definitions themselves are in
source_tables.py, lake_tables.py, published_tables.py and feature_dictionary.py; checks made from them are in quality.py.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

import ibis
import ibis.expr.schema as sch


class Type(Enum):
    """The types of the contract. The value is the Ibis type a lake table stores (times are UTC, without zone)."""

    STRING = "string"
    INTEGER = "int64"
    NUMBER = "float64"
    MONEY = "decimal(18, 4)"
    BOOLEAN = "boolean"
    TIME = "timestamp(6)"
    DATE = "date"
    STRINGS = "array<string>"
    JSON = "!string"  # JSON text; the mark keeps the two members apart
    FAILURES = "array<struct<code: string, margin: float64>>"

    @property
    def ibis(self) -> str:
        return self.value.lstrip("!")

    @property
    def words(self) -> str:
        return _WORDS[self]


_WORDS = {
    Type.STRING: "text",
    Type.INTEGER: "whole number",
    Type.NUMBER: "number",
    Type.MONEY: "money",
    Type.BOOLEAN: "true or false",
    Type.TIME: "time (UTC)",
    Type.DATE: "date (local)",
    Type.STRINGS: "list of text",
    Type.JSON: "JSON",
    Type.FAILURES: "list of (code, margin)",
}


@dataclass(frozen=True)
class Column:
    """One column of the contract.

    name      as in the files and in the database
    type      one of `Type`
    meaning   a sentence for the docs and the database comment
    unit      "days", "share 0..1", "club currency", ... or "" where the type says it all
    nullable  may the value be missing
    added     Hemsil's own addition to the contract: a club's table may lack it (it then reads as null)
    personal  does it describe one member (kept out of logs, metadata, reports)
    allowed   the only values there may be; () = open
    minimum, maximum   bounds of a number or money, inclusive; None = open
    references         table whose key the value must be in; "" = none
    """

    name: str
    type: Type
    meaning: str
    unit: str = ""
    nullable: bool = False
    personal: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    references: str = ""
    added: bool = False


@dataclass(frozen=True)
class Table:
    """One table of the contract.

    key         columns that name a row; a second row with the same values is a duplicate
    known_from  the column that says since when a row is known: a time (known strictly before the night's `as_of`)
                or a date (known from that business date on); "" = known always, or known with its parent
    parent      (table, column): rows are known when the row they point to is known
    heeded      the table holds what members said no to: a quarantined row of it still puts its member in doubt,
                and a member in doubt is not mailed
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    optional: bool = False
    known_from: str = ""
    parent: tuple[str, str] | None = None
    heeded: bool = False

    @cached_property
    def schema(self) -> sch.Schema:
        """The Ibis schema of the table as the lake stores it."""
        return ibis.schema({c.name: c.type.ibis for c in self.columns})

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    def __getitem__(self, column: str) -> Column:
        found = next((c for c in self.columns if c.name == column), None)
        if found is None:
            raise KeyError(f"table {self.name} has no column {column}")
        return found
