"""The commands about models: train, make again, roll back. What they do is in resources/."""

import getpass
from datetime import date

from rich.console import Console

from hemsil.job import PUBLISHES, run_job
from ml.errors import NotInLake, SettingsError
from resources.platform import Platform
from resources.registry import CHAMPION
from resources.reproducer import reproduce
from resources.settings import Settings
from resources.turn import one_night_at_a_time

DECIDE_AGAIN = "decide_again"  # a job of orchestration/jobs.py


class NotReproduced(SettingsError):
    """A model made again differs from the registered one."""


def run_training(settings: Settings, as_of: str | None, console: Console) -> None:
    """Run the job `retrain` for a date. Raises NotInLake where no night has been."""
    platform = Platform(settings)
    dates = platform.lake.dates("transactions")
    if not dates:
        raise NotInLake("there are no source tables in the lake yet: run hemsil nightly first")
    key = as_of or dates[-1]
    run_job(platform, "retrain", key, {}, console)
    champion = platform.registry.alias(CHAMPION)
    console.print(
        f"trained on what was known on {key}; the champion is {f'version {champion}' if champion else 'none'}"
    )


def print_reproduction(settings: Settings, run_id: str, console: Console) -> None:
    """Make a model again and tell how it compares. Raises NotReproduced where a prediction differs."""
    found = reproduce(Platform(settings), run_id)
    rows = f"{found.rows:,} past mailings and offers, as known on {found.business_date}"
    if found.most_apart > 0:
        raise NotReproduced(
            f"version {found.version} came out differently: predictions differ by up to {found.most_apart:.2g} on {rows}"
        )
    same = "every file is the same byte for byte" if not found.differing else f"differing: {', '.join(found.differing)}"
    console.print(f"version {found.version} was made again: the same predictions on {rows}; {same}", soft_wrap=True)


def roll_back(
    settings: Settings, version: str | None, why: str, release: bool, keep_lists: bool, console: Console
) -> None:
    """Roll back and make the lists that the model taken back had made anew, or release what was pinned.

    Raises SettingsError; NightIsRunning, RunFailed or Refused where the model is pinned and the lists stay as they were.
    """
    platform = Platform(settings)
    registry = platform.registry
    if release:
        held = registry.release()
        told = f"version {held['version']} was pinned by {held['who']}: {held['why']}" if held else "nothing was pinned"
        console.print(f"{told}; the nights choose the champion", soft_wrap=True)
        return
    if not why.strip():
        raise SettingsError('say why, for those who come after: hemsil rollback --why "..."')
    before, now = registry.rollback(version, getpass.getuser(), why.strip())
    platform.kept_models.forget(before)
    console.print(
        f"version {now} is champion again, instead of version {before}. No night changes that until "
        "hemsil rollback --release",
        soft_wrap=True,
    )
    shown = platform.marts.current()
    if shown is None or shown.model_version != before:
        console.print(f"no list that is shown was made by version {before}")
    elif keep_lists:
        console.print(f"the lists shown are still those of version {before}; the next night makes new ones")
    else:
        _decide_again(platform, shown.business_date, console)


def _decide_again(platform: Platform, business_date: date, console: Console) -> None:
    key = business_date.isoformat()
    console.print(f"the lists of {key} are made anew:")
    with one_night_at_a_time(platform.settings):
        run_job(platform, DECIDE_AGAIN, key, {PUBLISHES: {"supersede": True}}, console)
    made = platform.marts.published(business_date)
    if made is not None:
        console.print(
            f"batch {made.batch_id} by version {made.model_version}: {made.offer_rows:,} offers, {made.suppression_rows:,} "
            "suppressions",
            soft_wrap=True,
        )
