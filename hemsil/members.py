"""Commands for what members say and may ask: `hemsil consents`, `hemsil object`, `hemsil erase`, `hemsil access`; and `hemsil retention`, which deletes
what has been kept long enough. Only `access` shows what is known of a member; the others print counts.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from hemsil.terminal import console
from ml.errors import NightIsRunning
from resources.settings import read_settings

members = typer.Typer()


@members.command("object")
def object_to_marketing(
    member: Annotated[str, typer.Argument(help="Member who objects.")],
    channel: Annotated[str, typer.Option(help="Only this channel; empty: all marketing.")] = "all",
) -> None:
    """Record that a member objects to marketing; it holds from the next SELECT on. Messages of service are none: those
    of the batch shown now stop with --channel alone.

    Example: hemsil object 2375
    """
    from resources.members_word import is_known, objects
    from resources.platform import Platform
    from resources.restored import settle_ledger

    platform = Platform(read_settings())
    offers = objects(platform, member, channel)
    settle_ledger(platform)
    console.print(f"recorded and read back; {offers} offers of the current batch are no longer shown")
    if not is_known(platform, member):
        console.print(
            "The newest night knows no such member. Is the id written as the club writes it? The objection stands."
        )


@members.command()
def consents(
    file: Annotated[Path, typer.Argument(help="CSV with the columns of the contract's table consents.")],
    source: Annotated[
        str, typer.Option(help="Name of the feed, by which it is known how far it was heard.")
    ] = "import",
) -> None:
    """Hear a file of consents between two nights; who said no is gone from the next SELECT on.

    Example: hemsil consents consents.csv --source shop
    """
    from resources.consent_feed import hear
    from resources.platform import Platform
    from resources.restored import settle_ledger

    platform = Platform(read_settings())
    heard = hear(platform, file, source)
    settle_ledger(platform)
    left = f"; {heard.erased:,} of erased members were left out" if heard.erased else ""
    console.print(f"{heard.rows:,} rows on marketing, {heard.new:,} of them new{left}")


@members.command()
def erase(
    member: Annotated[str, typer.Argument(help="Member to erase.")],
    reason: Annotated[str, typer.Option(help="Why, in a word; kept with the digest.")] = "asked",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether it is meant.")] = False,
) -> None:
    """Take a member out of everything that is stored, for good, and refuse the member's return by an old file.

    Example: hemsil erase 2375 --yes
    """
    from resources.forget import as_written, forget, remember
    from resources.home import prepare_home
    from resources.members_word import silence
    from resources.platform import Platform
    from resources.restored import settle_ledger
    from resources.turn import one_night_at_a_time

    if not yes:
        typer.confirm("Erase the member for good?", abort=True)
    settings = read_settings()
    prepare_home(settings)
    platform = Platform(settings)
    settle_ledger(platform)
    remember(platform, member, reason)
    try:
        with one_night_at_a_time(settings):
            done = forget(platform, member)
    except NightIsRunning:
        # The night has read the member already: nothing is sent meanwhile, and all is taken out once it has ended.
        for written in as_written(platform, member):
            silence(platform, written)
        console.print("a night is running: the member is in no list from now on; waiting for its end to erase the rest")
        with one_night_at_a_time(settings, wait=True):
            done = forget(platform, member)
    if not done.anything:
        console.print("nothing was stored of such a member; an old file will not bring the member back")
        return
    for where, counts in (("database", done.database), ("lake", done.lake)):
        for table, rows in sorted(counts.items()):
            console.print(f"{where}, {table}: {rows:,} rows")
    console.print(f"exported files deleted: {done.files}")
    if done.models is None:
        console.print("MLflow could not be reached: run this again, so that models trained with the member are marked")
        raise typer.Exit(1)
    console.print(f"models that learned from the member, now marked: {done.models}")
    console.print(
        "Copies that Hemsil does not know of are yours to delete: backups, and files that were sent elsewhere."
    )


@members.command()
def access(
    member: Annotated[str, typer.Argument(help="Member who asks.")],
    to: Annotated[Path | None, typer.Option(help="File to write, for its owner alone; empty: this terminal.")] = None,
) -> None:
    """Tell everything that is known of a member, as JSON a person can read.

    Example: hemsil access 2375
    """
    from assets.tables import ASSET_TABLES
    from ml.errors import SettingsError
    from ml.validation import VALIDATION
    from resources.known_of import known_of
    from resources.platform import Platform

    tables = (*ASSET_TABLES.values(), VALIDATION)
    known = known_of(Platform(read_settings()), member, tables)
    if not known["lake"] and not known["database"]:
        raise SettingsError("nothing is known of such a member")
    text = json.dumps(known, default=str, indent=1, ensure_ascii=False)
    if to is None:
        print(text)
        return
    to.touch(mode=0o600)
    to.chmod(0o600)  # it may have been there, for others to read
    to.write_text(text + "\n")
    console.print(str(to), soft_wrap=True)


@members.command()
def retention() -> None:
    """Delete what has been kept as long as the policy allows. The job of the same name does it every day.

    Example: hemsil retention
    """
    from resources.platform import Platform
    from resources.retention import delete_outlived

    gone = delete_outlived(Platform(read_settings()))
    console.print(
        f"deleted: {gone.lake} tables of the lake, {gone.batches} batches, {gone.claims} claims, {gone.files} exported files"
    )
