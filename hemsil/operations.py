"""Commands for whoever keeps it running: `hemsil watch`, `hemsil doctor`, `hemsil quarantine`. What they look at is in
resources/watch.py and resources/doctor.py.
"""

import json
import shlex
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from hemsil.terminal import console
from ml.errors import DatabaseUnavailable, SettingsError
from resources.settings import Settings, read_settings
from resources.watch import Seen, look

operations = typer.Typer()
TELL_WITHIN_S = 20


@operations.command()
def watch(
    batch_hours: Annotated[float, typer.Option(help="How old the current batch may be.", min=0.1)] = 26.0,
    daemon: Annotated[bool, typer.Option(help="Whether Dagster's daemon is meant to run.")] = True,
    webhook: Annotated[str, typer.Option(metavar="URL", help="Where to POST an alarm, as JSON.")] = "",
    command: Annotated[str, typer.Option(help="Program that gets an alarm as its input.")] = "",
    every: Annotated[float, typer.Option(metavar="SECONDS", help="Look again, for ever; 0: look once.", min=0)] = 0,
) -> None:
    """Look from outside of Dagster whether the nights come, and tell somebody where they do not. Exit code 1 is an alarm.

    Example: hemsil watch --no-daemon --command "mail -s hemsil oncall@example.com"
    """
    settings = read_settings()
    while True:
        well = _look_and_tell(settings, batch_hours, daemon, webhook, command)
        if not every:
            raise typer.Exit(0 if well else 1)
        time.sleep(every)


def _look_and_tell(settings: Settings, batch_hours: float, daemon: bool, webhook: str, command: str) -> bool:
    from resources.platform import Platform

    try:
        seen = look(Platform(settings), batch_hours, daemon)
    except DatabaseUnavailable as error:
        seen = [Seen("database", False, str(error))]
    for one in seen:
        console.print(f"{'ok   ' if one.well else 'ALARM'} {one.what}: {one.words}", markup=False, soft_wrap=True)
    wrong = [one for one in seen if not one.well]
    if wrong:
        _tell(wrong, webhook, command)
    return not wrong


def _tell(wrong: Sequence[Seen], webhook: str, command: str) -> None:
    """Raises SettingsError where an alarm could not be told: an alarm that nobody hears is none."""
    text = "\n".join(f"{one.what}: {one.words}" for one in wrong) + "\n"
    if webhook:
        body = json.dumps({"text": f"Hemsil: {text}", "alarms": {one.what: one.words for one in wrong}}).encode()
        request = urllib.request.Request(webhook, body, {"Content-Type": "application/json"})
        try:
            urllib.request.urlopen(request, timeout=TELL_WITHIN_S).close()
        except (urllib.error.URLError, ValueError, OSError) as error:
            raise SettingsError(f"--webhook could not be reached ({type(error).__name__}); the alarm: {text}") from None
    if command:
        try:
            subprocess.run(shlex.split(command), input=text, text=True, timeout=TELL_WITHIN_S, check=True)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise SettingsError(f"--command did not take the alarm ({type(error).__name__}): {text}") from None


@operations.command()
def doctor() -> None:
    """Examine this installation: folders, database, roles, the tools' switches, addresses. Says how to mend what is wrong.

    Example: hemsil doctor
    """
    from resources.doctor import examine
    from resources.platform import Platform

    ill = 0
    for finding in examine(Platform(read_settings())):
        console.print(
            f"{'ok ' if finding.well else 'BAD'} {finding.what}: {finding.words}", markup=False, soft_wrap=True
        )
        if not finding.well:
            ill += 1
            console.print(f"    {finding.mend}", markup=False, soft_wrap=True)
    if ill:
        raise typer.Exit(1)


@operations.command()
def quarantine(
    as_of: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Business date; empty: the newest there is.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="CSV file for the rows themselves, for its owner alone.")] = None,
) -> None:
    """Tell which rows of the club's tables were set aside, why, and how they come back.

    Example: hemsil quarantine --to rows.csv
    """
    from rich.markdown import Markdown

    from ml.lake_tables import QUARANTINE
    from resources.platform import Platform
    from resources.set_aside import told_of, write_rows

    platform = Platform(read_settings())
    dates = platform.lake.dates(QUARANTINE.name)
    if not dates or (as_of and as_of not in dates):
        raise SettingsError(f"the lake has no quarantine of {as_of or 'any date'}; run a night first")
    key = as_of or dates[-1]
    text, _ = told_of(platform, key)
    console.print(Markdown(text))
    if to is not None:
        console.print(f"{write_rows(platform, key, to):,} rows in {to}", soft_wrap=True)
