"""Results that the engine keeps, so that several features can be made from them without computing them again."""

import contextlib
import weakref

import duckdb
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend
from ibis.util import gen_name


def keep(table: ir.Table) -> ir.Table:
    """Compute the table now and let the engine hold it for as long as any expression made from the result lives.

    The same as `Table.cache()`, whose release fails on DuckDB with the sqlglot of the lock (its DROP names no table).
    """
    backend = table.get_backend()
    if not isinstance(backend, Backend):
        return table.cache()
    name = gen_name("kept")
    op = backend.create_table(name, table).op()
    weakref.finalize(op, _drop, backend.con, name).atexit = False
    return op.to_expr()


def staged(table: ir.Table) -> ir.Table:
    """The table as it is on DuckDB, which computes once what a query uses twice; computed now and held, like `keep`, on
    engines that would compute it anew for every use.

    Belongs where a long chain of expressions forks: a plan without it doubles at every fork.
    """
    return table if is_one_process(table) else table.cache()


def is_one_process(table: ir.Table) -> bool:
    """Does one process work on all of the table, as DuckDB does, and not many of which each has a part."""
    return isinstance(table.get_backend(), Backend)


def _drop(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    # A cursor of its own: the release may come while a result of the connection is being read. Where the table cannot
    # be dropped it is only memory, which goes with the connection.
    with contextlib.suppress(duckdb.Error):
        connection.cursor().execute(f'DROP TABLE IF EXISTS "{name}"')
