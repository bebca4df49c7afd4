"""Tables of one key as one table."""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from ml.kept import staged


def side_by_side(tables: Sequence[ir.Table], key: Sequence[str]) -> ir.Table:
    """A row for each key that any of the tables has, with the columns of all of them, null where a table has no such key.
    Each table has at most one row a key; a column that several have is that of the first."""
    if len(tables) == 1:
        return tables[0]
    held = [staged(table) for table in tables]
    every = ibis.union(*(table.select(*key) for table in held), distinct=True)
    for number, table in enumerate(held):
        every = every.left_join(table, list(key), rname=f"{{name}}__{number}")
    return every.drop(*[name for name in every.columns if "__" in name])
