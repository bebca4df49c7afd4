"""Commands for the PostgreSQL behind it all: `hemsil db ...`."""

from typing import Annotated

import typer

from hemsil.terminal import console
from ml.errors import InputError
from resources.settings import read_settings

database = typer.Typer(no_args_is_help=True, help="The PostgreSQL behind it all.")


@database.command("up")
def db_up() -> None:
    """Start the embedded PostgreSQL, if it is used, and bring the schemas up to date."""
    from resources.platform import Platform

    console.print(_shown(Platform(read_settings()).url), soft_wrap=True)


@database.command("down")
def db_down() -> None:
    """Stop the embedded PostgreSQL. The data stays."""
    from resources.embedded_postgres import EmbeddedPostgres

    settings = read_settings()
    if settings.database_url:
        raise InputError("HEMSIL_DATABASE_URL is set: that PostgreSQL is not ours to stop")
    stopped = EmbeddedPostgres(settings.home / "postgres", settings.pg_bin).down()
    console.print("stopped" if stopped else "it was not running")


@database.command("url")
def db_url() -> None:
    """Print the address of the database, for psql and other tools: psql "$(hemsil db url)"."""
    from resources.home import database_url

    print(database_url(read_settings()))


@database.command("shell", context_settings={"ignore_unknown_options": True, "help_option_names": []})
def db_shell(arguments: Annotated[list[str] | None, typer.Argument(help="Passed on to psql.")] = None) -> None:
    """Open psql on the database; whatever stands behind it is psql's.

    Example: hemsil db shell -c "select * from marts.campaign_summary"
    """
    from hemsil.shell import open_psql

    open_psql(read_settings(), arguments or [])


@database.command("grants")
def show_grants() -> None:
    """Show who may do what in the database.

    Example: hemsil db grants
    """
    from rich.table import Table as Grid

    from resources.grants import grants
    from resources.platform import Platform

    table = Grid("role", "schema", "table, view or function", "may")
    for row in grants(Platform(read_settings()).marts.engine):
        table.add_row(*row)
    console.print(table)


@database.command("replay")
def replay() -> None:
    """Hear again what members said since the backup that the database was restored from; then its views open.

    Example: hemsil db replay
    """
    from resources.platform import Platform
    from resources.restored import settle_ledger
    from resources.turn import one_night_at_a_time

    settings = read_settings()
    platform = Platform(settings)
    with one_night_at_a_time(settings):
        done = settle_ledger(platform)
    console.print(done or "the database has everything that its copy has", soft_wrap=True)


def _shown(url: str) -> str:
    """An address without its password."""
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)
