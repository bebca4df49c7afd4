"""A Dagster job run in this process, with its progress shown and its failure told in one sentence. Which jobs there are is in
orchestration/jobs.py; what a command does before and after is in that command's file.
"""

import logging
import os
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from sqlalchemy.exc import SQLAlchemyError

from ml import errors
from ml.errors import DatabaseUnavailable, HemsilError
from resources.database import reaching
from resources.platform import Platform
from resources.turn import STARTED_BY

if TYPE_CHECKING:
    from dagster import DagsterEvent, DagsterInstance
    from dagster._utils.error import SerializableErrorInfo

PUBLISHES = "published_batch"  # the asset whose step publishes
MOST_WARNINGS = 2  # of one step that are shown, of which the first is of the whole; the rest is in the UI


class RunFailed(HemsilError):
    """A run failed for a reason that is not one of ours; the message is the first cause."""


def run_job(platform: Platform, job: str, key: str, config: Mapping[str, object], console: Console) -> None:
    """Run a job for one business date. `config` is that of its steps, by step.

    Raises the error of the first step that failed where that is one of ours, else RunFailed; DatabaseUnavailable.
    """
    import dagster as dg

    os.environ["DAGSTER_HOME"] = str(platform.settings.dagster_home)
    # The database is made ready before Dagster looks for it, and may go away at any time after.
    with _reaching_both(platform), dg.DagsterInstance.get() as instance:
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
                tags={STARTED_BY: _identity(os.getpid())},
                run_config={
                    "ops": {step: {"config": values} for step, values in config.items()},
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                },
            )
        if not result.success:
            raise _failure(result.all_events, f"{job} of {key}", run_id)


def _failure(events: "Sequence[DagsterEvent]", what: str, run_id: str) -> HemsilError:
    """The error of the first step that failed, as one of ours, so that the exit code tells what kind of failure it was."""
    first = next((event for event in events if event.is_step_failure), None)
    kind, why = _cause(first.step_failure_data.error if first else None)
    step = first.step_key if first else "no step"
    published = any(event.is_step_success and event.step_key == PUBLISHES for event in events)
    state = "the offers were published all the same" if published else "nothing was published"
    return kind(f"{what} failed at {step}: {why} ({state}; run {run_id})")


def _cause(error: "SerializableErrorInfo | None") -> tuple[type[HemsilError], str]:
    """Our own error in a chain of errors, with its sentence; where none is ours, the deepest, in its first line."""
    kind: type[HemsilError] = RunFailed
    why = "see the run in the Dagster UI"
    while error is not None:
        why = error.message.strip().splitlines()[0]
        found = getattr(errors, error.cls_name or "", None)
        if isinstance(found, type) and issubclass(found, HemsilError):
            return found, why.split(": ", 1)[-1]
        error = error.cause
    return kind, why


def _fail_the_killed(instance: "DagsterInstance") -> None:
    """Runs of the command line whose process is gone (kill -9, power) would stand as running for ever."""
    import dagster as dg

    unfinished = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED]
    )
    for run in instance.get_runs(unfinished):
        if STARTED_BY in run.tags and _identity(int(run.tags[STARTED_BY].split()[0])) != run.tags[STARTED_BY]:
            instance.report_run_failed(run, "its process was killed")


def _identity(pid: int) -> str:
    """A process's number and when it was started, as numbers are used again; the number alone for one that is gone."""
    try:
        started = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[19]  # field 22, in ticks
    except OSError:
        return str(pid)
    return f"{pid} {started}"


@contextmanager
def _reaching_both(platform: Platform) -> Iterator[None]:
    """Around work with the marts and with Dagster's own storage, which has an exception of its own for a lost database."""
    from dagster_postgres.utils import DagsterPostgresException

    def not_a_retry(record: logging.LogRecord) -> bool:
        return not record.getMessage().startswith("Retrying failed database connection")

    logging.getLogger().addFilter(not_a_retry)  # Dagster tells of every attempt; we tell when it gives up
    try:
        with reaching(platform.marts.engine):
            yield
    except DagsterPostgresException:
        raise DatabaseUnavailable(
            "PostgreSQL went away while the run was under way; nothing is half-published, so run the same command again"
        ) from None
    finally:
        logging.getLogger().removeFilter(not_a_retry)


class _Steps:
    """What is printed of a run's events as they come."""

    def __init__(self) -> None:
        self._begun: dict[str, float] = {}
        self._warned: dict[str, dict[str, list[str]]] = {}  # step -> sentence -> the checks that say it

    def lines(self, event: "DagsterEvent", at: float) -> list[str]:
        """Lines in Rich's markup: of a step that ends, and below it what its checks warned of."""
        step = str(event.step_key)
        if event.is_step_start:
            self._begun[step] = at
        elif event.event_type_value == "ASSET_CHECK_EVALUATION":
            check = event.asset_check_evaluation_data
            if not check.passed:
                said = self._warned.setdefault(step, {})
                said.setdefault(check.description or "it did not pass", []).append(check.check_name)
        else:
            warned = self._warnings(step)
            mark = "[red]failed[/]" if event.is_step_failure else "[yellow]warning[/]" if warned else "[green]ok[/]"
            line = f"  {step:<28} {at - self._begun.get(step, at):6.1f} s  {mark}"
            return [line, *(f"    [yellow]warning:[/] {escape(words)}" for words in warned)]
        return []

    def _warnings(self, step: str) -> list[str]:
        """A sentence each, with the checks that say it where the step's name does not tell; of many the first."""
        told = []
        for words, names in self._warned.get(step, {}).items():
            more = f" and {len(names) - MOST_WARNINGS} more" if len(names) > MOST_WARNINGS else ""
            of = ", ".join(names[:MOST_WARNINGS]) + more
            told.append(words if step.endswith(of) else f"{of}: {words}")
        left = len(told) - MOST_WARNINGS
        return told[:MOST_WARNINGS] + ([f"{left} more, in the Dagster UI"] if left > 0 else [])


@contextmanager
def _progress(instance: "DagsterInstance", run_id: str, console: Console) -> Iterator[None]:
    """A line for every step as it ends, with its time, and one for what a check in it warned of; in a terminal also the step that
    is under way."""
    import dagster as dg
    from dagster_postgres.utils import DagsterPostgresException

    # Dagster captures the process's own output for its logs, so the terminal is kept aside.
    shown = Console(file=os.fdopen(os.dup(console.file.fileno()), "w"), highlight=False)
    ended = threading.Event()
    kinds = {
        dg.DagsterEventType.STEP_START,
        dg.DagsterEventType.ASSET_CHECK_EVALUATION,
        dg.DagsterEventType.STEP_SUCCESS,
        dg.DagsterEventType.STEP_FAILURE,
    }

    def follow() -> None:
        cursor, steps = None, _Steps()
        with shown.status("starting") as status:
            while True:
                last = ended.is_set()
                try:
                    connection = instance.get_records_for_run(run_id, cursor=cursor, of_type=kinds)
                except (SQLAlchemyError, DagsterPostgresException):  # the database is away: the run itself says so
                    return
                cursor = connection.cursor
                for record in connection.records:
                    entry = record.event_log_entry
                    if entry.dagster_event:
                        if entry.dagster_event.is_step_start:
                            status.update(str(entry.step_key))
                        for line in steps.lines(entry.dagster_event, entry.timestamp):
                            shown.print(line, soft_wrap=True)
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
