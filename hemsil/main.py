"""The command line: the commands of every day, and where the others are (model_commands.py, members.py, operations.py,
database_commands.py, policy_commands.py). The work behind a command is in the other modules of this folder, or in the
packages below it. Exit codes: 0 done; 1 failed; 2 wrong input; 3 refused by a safety rule.
"""

import atexit
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from hemsil.database_commands import database
from hemsil.members import members
from hemsil.model_commands import models
from hemsil.operations import operations
from hemsil.policy_commands import policy
from hemsil.terminal import console, trouble
from ml.errors import HemsilError, InputError, Refused
from resources.settings import prepare_environment, read_settings

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
EXIT_FAILED, EXIT_INPUT, EXIT_REFUSED = 1, 2, 3


@app.callback()
def _hemsil() -> None:
    """Hemsil decides, every night, for every member and every offer: worth sending, or not, and why."""


@app.command()
def nightly(
    as_of: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Business date; empty: the source's own.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Run a published date again and replace its batch.")] = False,
    make_current: Annotated[
        bool, typer.Option("--make-current", help="Show this batch in the views even if a later date is published.")
    ] = False,
    accept: Annotated[str, typer.Option(metavar="WHY", help="Let the batch differ from the nights before.")] = "",
) -> None:
    """Run one night and print what it decided.

    Example: hemsil nightly --as-of 2017-08-08
    """
    from hemsil.nightly import run_night

    run_night(read_settings(), as_of, again=again, make_current=make_current, accept=accept, console=console)


@app.command()
def ui() -> None:
    """Open the Dagster UI, MLflow and the reports, on this machine only, until Ctrl-C."""
    from hemsil.ui import serve

    raise typer.Exit(serve(read_settings(), console))


@app.command()
def export(
    campaign: Annotated[str, typer.Argument(help="Campaign to export.")],
    form: Annotated[str, typer.Option("--format", help="csv, parquet or xlsx.")] = "csv",
    folder: Annotated[Path | None, typer.Option(help="Where to; empty: exports/ in the data folder.")] = None,
    suppressed: Annotated[
        bool, typer.Option("--suppressed", help="The suppression list instead of the offers.")
    ] = False,
) -> None:
    """Write a campaign's current list to a file.

    Example: hemsil export 18 --format xlsx
    """
    from resources.exports import export_campaign
    from resources.platform import Platform

    settings = read_settings()
    path = export_campaign(
        Platform(settings).marts.engine,
        campaign,
        form,
        folder or settings.exports,
        suppressed=suppressed,
        unsubscribe=settings.unsubscribe_url,
    )
    console.print(str(path), soft_wrap=True)


@app.command()
def explain(
    member: Annotated[str, typer.Argument(help="Member to explain.")],
    offer: Annotated[str | None, typer.Argument(help="Only this offer; empty: all that were considered.")] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Business date; empty: the last night decided.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Show the way from facts to verdict: why a member gets an offer, or does not.

    Example: hemsil explain 2375 --as-of 2017-10-30
    """
    from hemsil.explain import run_explain

    run_explain(read_settings(), member, offer, as_of, as_json, console)


@app.command()
def setup() -> None:
    """Make the data folder, and .env for Dagster's own commands in this checkout. `make` does it for you."""
    from resources.home import prepare_home, write_dotenv

    settings = read_settings()
    prepare_home(settings)
    added = write_dotenv(settings)
    console.print(
        f"data folder {settings.home}" + (f"; .env now has {', '.join(added)}" if added else ""), soft_wrap=True
    )


app.add_typer(models)
app.add_typer(database, name="db")
app.add_typer(policy, name="policy")
app.add_typer(members)
app.add_typer(operations)


def run() -> int:
    """Run a command and return its exit code; our own errors become one sentence."""
    prepare_environment()
    try:
        app()
    except HemsilError as error:
        trouble.print(f"[bold red]hemsil:[/] {escape(str(error))}", soft_wrap=True)
        return (
            EXIT_INPUT if isinstance(error, InputError) else EXIT_REFUSED if isinstance(error, Refused) else EXIT_FAILED
        )
    except SystemExit as end:  # how Typer ends every command
        return end.code if isinstance(end.code, int) else 0
    return 0


def main() -> None:
    """The command `hemsil`."""
    code = run()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the long way out, DuckDB 2 prints pages about objects of its own that it calls leaked


if __name__ == "__main__":
    main()
