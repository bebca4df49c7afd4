"""A run whose process is killed, which Dagster's launcher does not notice: the watchdog tells, and the daemon fails the run when its
time is over. A real daemon, a real run, a real kill.
"""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest

from resources.settings import CHECKOUT, TOOL_ENVIRONMENT
from tests.installation import Installation, installation
from tests.small_club import small_club
from tests.whole_night import NIGHT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
MAX_RUNTIME_S = 20
BIN = Path(sys.executable).parent


@contextmanager
def started(at: Installation, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | TOOL_ENVIRONMENT | at.variables | {"DAGSTER_HOME": str(at.settings.dagster_home)}
    process = subprocess.Popen(
        [str(BIN / command[0]), *command[1:]],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()


def until(at: Installation, query: str, wanted: object, seconds: float) -> float:
    began = time.monotonic()
    while at.rows(query) != [(wanted,)]:
        assert time.monotonic() - began < seconds, (query, at.rows(query))
        time.sleep(0.5)
    return time.monotonic() - began


@pytest.mark.promise("R7")
def test_a_run_whose_process_was_killed_is_told_and_is_failed_when_its_time_is_over(
    record_property: Callable[[str, object], None],
) -> None:
    with installation() as at:
        at.hand_in(small_club(members=60, answers=False))
        assert at.call("nightly", "--as-of", NIGHT).code == 0
        config = at.settings.dagster_home / "dagster.yaml"
        text = config.read_text()
        config.write_text(re.sub(r"max_runtime_seconds: \d+", f"max_runtime_seconds: {MAX_RUNTIME_S}", text))

        blocker = psycopg2.connect(at.url)  # what the run waits for and never gets: it hangs
        blocker.cursor().execute("LOCK TABLE platform.runs IN ACCESS EXCLUSIVE MODE")
        latest = "SELECT status FROM dagster.runs ORDER BY id DESC LIMIT 1"
        with started(at, "dagster-daemon", "run", "-w", "workspace.yaml"):
            with started(at, "dagster", "job", "launch", "-w", "workspace.yaml", "-j", "retention") as launch:
                launch.wait(120)
            until(at, latest, "STARTED", 90)
            speaks = "SELECT count(*) > 0 FROM dagster.event_logs WHERE dagster_event_type = 'STEP_START' AND run_id = (SELECT run_id FROM dagster.runs ORDER BY id DESC LIMIT 1)"
            until(at, speaks, True, 60)
            pid = at.one(
                "SELECT (event::json -> 'dagster_event' ->> 'pid')::bigint FROM dagster.event_logs"
                " WHERE dagster_event_type = 'STEP_START' ORDER BY id DESC LIMIT 1"
            )
            os.kill(pid, signal.SIGKILL)
            began = at.one("SELECT start_time FROM dagster.runs ORDER BY id DESC LIMIT 1")
            until(at, latest, "FAILURE", MAX_RUNTIME_S + 90)
            took = time.time() - began
        blocker.close()
    assert took <= MAX_RUNTIME_S + 60
    record_property("figure", f"failed {took:.0f} s after it began, of {MAX_RUNTIME_S} s allowed")
