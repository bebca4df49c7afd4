"""Commands for whoever looks after the models: `hemsil backtest`, `hemsil simulate`, `hemsil train`, `hemsil staleness`,
`hemsil rollback`. Only what they take and print; the work is in the modules they name.
"""

from pathlib import Path
from typing import Annotated

import typer

from hemsil.terminal import console
from resources.settings import read_settings

models = typer.Typer()


@models.command()
def backtest(
    first: Annotated[str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First campaign start.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Last campaign start.")] = None,
    campaigns: Annotated[str | None, typer.Option(help="Only these campaigns, comma-separated.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Name, folder or URL to read instead of HEMSIL_SOURCE, in this run alone.")
    ] = None,
    keep: Annotated[
        float | None,
        typer.Option(help="Share of responders that thresholds promise to keep; empty: relevance.keep_responders."),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Fewer bags, blocks and draws, no campaign still open; the same baselines."),
    ] = False,
    study: Annotated[
        bool, typer.Option("--study", help="Also what feature families, two stages and more of the past earn. Slow.")
    ] = False,
    save: Annotated[
        Path | None,
        typer.Option(dir_okay=False, writable=True, help="CSV file for the figures that docs/relevance.md tells."),
    ] = None,
) -> None:
    """Replay past campaigns through the night's own functions and measure what would have happened.

    Example: hemsil backtest --source simulated --keep 0.8 --quick
    """
    from hemsil.backtest import run_backtest
    from resources.backtester import Asked

    settings = read_settings()
    if source is not None:
        settings = settings.model_copy(update={"source": source})
    named = tuple(name.strip() for name in (campaigns or "").split(",") if name.strip())
    run_backtest(settings, Asked(first or "", last or "", named, keep, quick, study), save, console)


@models.command()
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


@models.command("six-months")
def six_months(
    members: Annotated[int, typer.Option(min=1_000, max=100_000, help="Members of the club.")] = 2_000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another club.")] = 1,
    history: Annotated[int, typer.Option(min=26, max=260, help="Weeks that the club was mailed in its old way.")] = 52,
    weeks: Annotated[int, typer.Option(min=1, max=104, help="Weeks to live.")] = 26,
    save: Annotated[
        Path | None, typer.Option(file_okay=False, writable=True, help="Folder for half_year.csv and truth.csv.")
    ] = None,
) -> None:
    """Let the invented club's members live half a year with our decisions, and beside it with other ways of mailing them.

    Example: hemsil six-months --seed 7
    """
    from hemsil.six_months import run_six_months

    run_six_months(read_settings(), members, seed, history, weeks, save, console)


@models.command()
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


@models.command()
def staleness(
    first: Annotated[
        str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First day of mailings to score.")
    ] = None,
    save: Annotated[Path | None, typer.Option(dir_okay=False, writable=True, help="CSV file for the figures.")] = None,
) -> None:
    """Measure how much worse a model gets that has not learned for some weeks.

    Example: hemsil staleness --from 2017-08-08
    """
    from hemsil.staleness import run_staleness

    run_staleness(read_settings(), first, save, console)


@models.command()
def rollback(
    version: Annotated[
        str | None, typer.Argument(help="Model version; empty: the one that the champion replaced.")
    ] = None,
    why: Annotated[str, typer.Option(help="Why, for those who come after.")] = "",
    release: Annotated[bool, typer.Option("--release", help="Let the nights choose the champion again.")] = False,
    keep_lists: Annotated[
        bool, typer.Option("--keep-lists", help="Leave the lists that are shown as they are until the next night.")
    ] = False,
) -> None:
    """Make an earlier model champion again, keep it so until it is released, and make the lists that are shown anew with it.

    Example: hemsil rollback --why "offers for shoes only"
    """
    from hemsil.models import roll_back

    roll_back(read_settings(), version, why, release, keep_lists, console)
