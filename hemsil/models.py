"""The commands about models: train, make again, roll back. What they do is in resources/."""

import getpass

from rich.console import Console

from hemsil.job import run_job
from ml.errors import NotInLake, SettingsError
from resources.platform import Platform
from resources.registry import CHAMPION
from resources.reproducer import reproduce
from resources.settings import Settings


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


def roll_back(settings: Settings, version: str | None, why: str, release: bool, console: Console) -> None:
    """Roll back, or release what was pinned. Raises SettingsError."""
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
