"""How Alembic runs the migrations: on the connection and in the transaction that database.migrate hands over. Afterwards
the comments of the views are made equal to the definitions. The migrations themselves are in versions/.
"""

import sqlalchemy as sa
from alembic import context
from sqlalchemy.engine import Connection

from ml.published_tables import PUBLISHED_TABLES
from ml.tables import Column


def run(connection: Connection) -> None:
    if connection.scalar(sa.text("SELECT to_regnamespace('platform') IS NULL")):
        connection.execute(sa.text("CREATE SCHEMA platform"))
    context.configure(connection=connection, version_table="schema_version", version_table_schema="platform")
    context.run_migrations()
    describe(connection)


def describe(connection: Connection) -> None:
    """Put the definitions' meaning on views and columns, where it is not there yet."""
    found = connection.execute(
        sa.text(
            "SELECT c.relname, coalesce(a.attname, ''), d.description FROM pg_description d"
            " JOIN pg_class c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass"
            " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0"
            " WHERE c.relnamespace = 'marts'::regnamespace"
        )
    )
    there = {(view, column): text for view, column, text in found}
    for view in PUBLISHED_TABLES:
        wanted = {"": view.meaning} | {column.name: in_words(column) for column in view.columns}
        for name, words in wanted.items():
            if there.get((view.name, name)) != words:
                target = f'COLUMN marts."{view.name}"."{name}"' if name else f'VIEW marts."{view.name}"'
                literal = words.replace("'", "''").replace(":", "\\:")
                connection.execute(sa.text(f"COMMENT ON {target} IS '{literal}'"))


def in_words(column: Column) -> str:
    return f"{column.meaning} ({column.unit})" if column.unit else column.meaning


run(context.config.attributes["connection"])
