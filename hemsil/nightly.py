"""`hemsil nightly`: one night, run as the Dagster job in this process, with its progress shown. What is printed at the end
is in hemsil/summary.py.
"""

import fcntl
import os
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from ml import errors
from ml.errors import HemsilError, NightIsRunning, SettingsError
from resources.database import reaching
from resources.home import prepare_home
from resources.platform import Platform
from resources.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterEvent, DagsterInstance
    from dagster._utils.error import SerializableErrorInfo

CLI_TAG = "hemsil/started_by"
PUBLISHES = "published_batch"  # the asset whose step publishes
KEPT, REPLACED = "nothing is published twice", "its batch will be replaced"


class NightFailed(HemsilError):
    """The run failed; the message is the first cause. What was published before is untouched."""


def run_night(settings: Settings, as_of: str | None, *, again: bool, make_current: bool, console: Console) -> None:
    """Run the night of a business date and print its summary; a date that is published already is only summed up.

    Raises SettingsError for a date the source has no night for, NightIsRunning, NightFailed, DatabaseUnavailable.
    """
    from hemsil.summary import print_summary

    prepare_home(settings)
    platform = Platform(settings)
    with _one_night_at_a_time(settings):
        business_date = choose_date(platform, as_of)
        console.print(f"[bold]Hemsil[/]: the night of {business_date}, {platform.source.name}")
        done = platform.marts.published(business_date)
        if done:
            console.print(
                f"Already published at {done.published_at:%Y-%m-%d %H:%M} UTC; {REPLACED if again else KEPT}."
            )
        if again or make_current or not done:
            job = "publish" if done and not again else "nightly"  # to show a batch that is there, nothing is made anew
            _run(platform, business_date.isoformat(), job=job, again=again, make_current=make_current, console=console)
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


def _run(platform: Platform, key: str, *, job: str, again: bool, make_current: bool, console: Console) -> None:
    import dagster as dg

    os.environ["DAGSTER_HOME"] = str(platform.settings.dagster_home)
    # The database is made ready before Dagster looks for it, and may go away at any time after.
    with reaching(platform.marts.engine), dg.DagsterInstance.get() as instance:
        from orchestration.definitions import build_definitions

        definitions = build_definitions(platform)
        _fail_the_killed(instance)
        run_id = str(uuid.uuid4())
        with _progress(instance, run_id, console):
            result = definitions.resolve_job_def(job).execute_in_process(
                instance=instance,
                partition_key=key,
                run_id=run_id,
                raise_on_error=False,
                tags={CLI_TAG: str(os.getpid())},
                run_config={
                    "ops": {PUBLISHES: {"config": {"supersede": again, "make_current": make_current}}},
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                },
            )
        if not result.success:
            raise _failure(result.all_events, key, run_id)


def _failure(events: "Sequence[DagsterEvent]", key: str, run_id: str) -> HemsilError:
    """The error of the first step that failed, as one of ours, so that the exit code tells what kind of failure it was."""
    first = next((event for event in events if event.is_step_failure), None)
    kind, why = _cause(first.step_failure_data.error if first else None)
    step = first.step_key if first else "no step"
    published = any(event.is_step_success and event.step_key == PUBLISHES for event in events)
    state = "the offers were published all the same" if published else "nothing was published"
    return kind(f"the night of {key} failed at {step}: {why} ({state}; run {run_id})")


def _cause(error: "SerializableErrorInfo | None") -> tuple[type[HemsilError], str]:
    """Our own error in a chain of errors, with its sentence; where none is ours, the deepest, in its first line."""
    kind: type[HemsilError] = NightFailed
    why = "see the run in the Dagster UI"
    while error is not None:
        why = error.message.strip().splitlines()[0]
        found = getattr(errors, error.cls_name or "", None)
        if isinstance(found, type) and issubclass(found, HemsilError):
            return found, why.split(": ", 1)[-1]
        error = error.cause
    return kind, why


def _fail_the_killed(instance: "DagsterInstance") -> None:
    """Runs of this command whose process is gone (kill -9, power) would stand as running for ever; we hold the lock, so
    none of them can be alive."""
    import dagster as dg

    unfinished = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED]
    )
    for run in instance.get_runs(unfinished):
        if CLI_TAG in run.tags:
            instance.report_run_failed(run, "its process was killed")


@contextmanager
def _one_night_at_a_time(settings: Settings) -> Iterator[None]:
    """A lock that the system releases when the process ends, however it ends. Raises NightIsRunning."""
    with (settings.home / "night.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NightIsRunning("another night is running in this data folder; wait for it to end") from None
        yield


@contextmanager
def _progress(instance: "DagsterInstance", run_id: str, console: Console) -> Iterator[None]:
    """A line for every step as it ends, with its time; in a terminal also the step that is under way."""
    import dagster as dg

    # Dagster captures the process's own output for its logs, so the terminal is kept aside.
    shown = Console(file=os.fdopen(os.dup(console.file.fileno()), "w"), highlight=False)
    ended = threading.Event()
    kinds = {dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_SUCCESS, dg.DagsterEventType.STEP_FAILURE}

    def follow() -> None:
        cursor, begun = None, dict[str, float]()
        with shown.status("starting") as status:
            while True:
                last = ended.is_set()
                try:
                    connection = instance.get_records_for_run(run_id, cursor=cursor, of_type=kinds)
                except SQLAlchemyError:  # the database is away: the run itself says so
                    return
                cursor = connection.cursor
                for record in connection.records:
                    event = record.event_log_entry
                    step = str(event.step_key)
                    if event.dagster_event_type == dg.DagsterEventType.STEP_START:
                        begun[step] = event.timestamp
                        status.update(step)
                    else:
                        mark = (
                            "[green]ok[/]"
                            if event.dagster_event_type == dg.DagsterEventType.STEP_SUCCESS
                            else "[red]failed[/]"
                        )
                        shown.print(f"  {step:<28} {event.timestamp - begun.get(step, event.timestamp):6.1f} s  {mark}")
                if last:
                    return
                time.sleep(0.3)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=10)
        shown.file.close()
