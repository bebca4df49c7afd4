"""The command line: what each command takes and prints. The work behind a command is in the other modules of this
folder, or in the packages below it. Exit codes: 0 done; 1 failed; 2 wrong input; 3 refused by a safety rule.
"""

import atexit
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from hemsil.members import members
from hemsil.operations import operations, show_grants
from ml.errors import HemsilError, InputError, Refused
from resources.settings import prepare_environment, read_settings

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode="rich", pretty_exceptions_enable=False)
database = typer.Typer(no_args_is_help=True, help="The PostgreSQL behind it all.")
policy = typer.Typer(no_args_is_help=True, help="The policy: what a marketer may change.")
app.add_typer(database, name="db")
app.add_typer(policy, name="policy")
app.add_typer(members)
app.add_typer(operations)
database.command("grants")(show_grants)

# A log has no width of its own; a terminal keeps its own.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
trouble = Console(stderr=True, highlight=False)

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
def backtest(
    first: Annotated[str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First campaign start.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Last campaign start.")] = None,
    campaigns: Annotated[str | None, typer.Option(help="Only these campaigns, comma-separated.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer bags, blocks and bootstrap draws; the same baselines.")
    ] = False,
) -> None:
    """Replay past campaigns through the night's own functions and measure what would have happened.

    Example: hemsil backtest --from 2017-08-08 --quick
    """
    from hemsil.backtest import run_backtest

    run_backtest(read_settings(), first, last, campaigns.split(",") if campaigns else None, quick, console)


@app.command()
def simulate(
    to: Annotated[Path, typer.Option(help="Folder to write to: tables, and truth beside it.")],
    members: Annotated[int, typer.Option(min=100, max=10_000_000, help="Members of the club.")] = 3_000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another club.")] = 1,
    weeks: Annotated[int, typer.Option(min=12, max=520, help="Weeks of history.")] = 52,
) -> None:
    """Invent a club: its tables, and in a folder of its own what its members truly wanted.

    Example: hemsil simulate --members 1000 --seed 7 --to invented
    """
    from hemsil.simulate import write_club
    from simulator.club import InventedClub

    write_club(InventedClub(members, seed, weeks), to.absolute(), console)


@app.command()
def train(
    reproduce: Annotated[
        str | None, typer.Option(metavar="RUN_ID", help="MLflow run whose model to make again and compare.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Business date; empty: the newest with source tables.")
    ] = None,
) -> None:
    """Train a challenger, and promote it if it passes the gate; or prove that an earlier model can be made again.

    Example: hemsil train --reproduce 0123456789abcdef0123456789abcdef
    """
    from hemsil.models import print_reproduction, run_training

    if reproduce:
        print_reproduction(read_settings(), reproduce, console)
    else:
        run_training(read_settings(), as_of, console)


@app.command()
def staleness(
    first: Annotated[
        str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First day of mailings to score.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="CSV file for the figures.")] = None,
) -> None:
    """Measure how much worse a model gets that has not learned for some weeks.

    Example: hemsil staleness --from 2017-08-08
    """
    from hemsil.staleness import run_staleness

    run_staleness(read_settings(), first, save, console)


@app.command()
def rollback(
    version: Annotated[
        str | None, typer.Argument(help="Model version; empty: the one that the champion replaced.")
    ] = None,
    why: Annotated[str, typer.Option(help="Why, for those who come after.")] = "",
    release: Annotated[bool, typer.Option("--release", help="Let the nights choose the champion again.")] = False,
) -> None:
    """Make an earlier model champion again, and keep it so until it is released.

    Example: hemsil rollback --why "offers for shoes only"
    """
    from hemsil.models import roll_back

    roll_back(read_settings(), version, why, release, console)


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


@policy.command("check")
def policy_check(
    file: Annotated[Path | None, typer.Argument(help="Policy file; empty: the one in use.")] = None,
) -> None:
    """Check a policy file and print its version."""
    from hemsil.policy_diff import read_policy
    from resources.platform import Platform

    settings = read_settings()
    path = file or settings.policy
    source = Platform(settings).source.name
    console.print(f"{path.name} is right; version {read_policy(path, source).version} (for {source})")


@policy.command("diff")
def policy_diff(
    old: Annotated[Path, typer.Argument(help="Policy file; with no other file, it is compared with the one in use.")],
    new: Annotated[Path | None, typer.Argument(help="The policy that would take its place.")] = None,
    night: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Night to decide again; empty: the last one there is.")
    ] = None,
) -> None:
    """Tell what another policy would change: which keys, and whom the last night would have reached. Nothing is written.

    With two files the first is the old one. With one file it is the new one, and the old is the one in use.

    Example: hemsil policy diff policy.toml
    """
    from hemsil.policy_diff import print_difference

    settings = read_settings()
    print_difference(settings, *((old, new) if new else (settings.policy, old)), night, console)


@policy.command("worth")
def policy_worth(
    file: Annotated[Path, typer.Argument(help="The other policy.")],
    night: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Night to judge by; empty: the first there is.")
    ] = None,
) -> None:
    """Tell what another policy would have earned on a past night, from its propensities, or why that cannot be known.

    Example: hemsil policy worth policy.toml
    """
    from hemsil.policy_worth import print_worth

    print_worth(read_settings(), file, night, console)


def _shown(url: str) -> str:
    """An address without its password."""
    from sqlalchemy.engine import make_url

    return make_url(url).render_as_string(hide_password=True)


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
