"""`hemsil nightly`: one night of the source, once. Running the job is in job.py, what is printed at the end in summary.py."""

from datetime import date

from rich.console import Console

from hemsil.job import PUBLISHES, run_job
from ml.errors import SettingsError
from resources.home import check_space, prepare_home
from resources.platform import Platform
from resources.settings import Settings
from resources.turn import one_night_at_a_time

KEPT, REPLACED = "nothing is published twice", "its batch will be replaced"


def run_night(
    settings: Settings, as_of: str | None, *, again: bool, make_current: bool, accept: str, console: Console
) -> None:
    """Run the night of a business date and print its summary; a date that is published already is only summed up.

    Raises SettingsError for a date the source has no night for, NightIsRunning, RunFailed, DatabaseUnavailable.
    """
    from hemsil.summary import print_summary

    prepare_home(settings)
    check_space(settings)
    platform = Platform(settings)
    with one_night_at_a_time(settings):
        business_date = choose_date(platform, as_of)
        console.print(f"[bold]Hemsil[/]: the night of {business_date}, {platform.source.name}")
        done = platform.marts.published(business_date)
        if done:
            console.print(
                f"Already published at {done.published_at:%Y-%m-%d %H:%M} UTC; {REPLACED if again else KEPT}."
            )
        if again or make_current or not done:
            job = "publish" if done and not again else "nightly"  # to show a batch that is there, nothing is made anew
            how = {"supersede": again, "make_current": make_current, "accept": accept}
            run_job(platform, job, business_date.isoformat(), {PUBLISHES: how}, console)
        print_summary(platform, business_date, console)


def choose_date(platform: Platform, as_of: str | None) -> date:
    """The business date asked for, or the source's own. Raises SettingsError naming the dates there are."""
    source = platform.source
    today = platform.now().date()
    if as_of is None:
        return source.default_business_date(today)
    try:
        chosen = date.fromisoformat(as_of)
    except ValueError:
        raise SettingsError(f"--as-of {as_of}: not a date like 2017-08-08") from None
    first, last = source.first_date, source.last_date or today
    if (first and chosen < first) or chosen > last:
        raise SettingsError(f"--as-of {as_of}: {source.name} has nights from {first or 'its beginning'} to {last}")
    return chosen
