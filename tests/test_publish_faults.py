"""Publishing when processes are killed, stopped, or two at once: real processes against a real server."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import pyarrow as pa
import pytest

from ml.errors import DatabaseUnavailable, HemsilError
from resources.database import open_database
from resources.marts import STEPS, Marts
from tests.batch_rows import MONDAY, TUESDAY, a_batch, no_reasks, offers, publish, rows, suppressions
from tests.promises import times

processes = get_context("forkserver")
processes.set_forkserver_preload(["tests.batch_rows", "tests.test_publish_faults"])

HALF_WRITTEN = ["offers half written", "suppressions half written", "reasks half written"]
MONDAYS_OFFERS = [("anna", 1), ("anna", 2), ("berit", 1)]
TUESDAYS_OFFERS = [("anna", 1), ("carl", 1), ("dag", 1)]
TUESDAYS_LINES = "anna 1 spring sms 0.5\n carl 1 spring sms 0.5\n dag 1 spring sms 0.5"


def tuesday(marts: Marts, **options: Any) -> str:
    """Publish Tuesday: three offers and no suppressions. Returns the state."""
    given = {"offers": offers(TUESDAYS_LINES), "suppressions": suppressions(""), "audience": {"spring": 3}}
    return publish(marts, a_batch(TUESDAY), **(given | options)).state


def tuesday_at(url: str) -> str:
    return tuesday(Marts(open_database(url)))


def url_of(marts: Marts) -> str:
    return marts.engine.url.render_as_string(hide_password=False)


def publish_until(url: str, step: str, sent: int, told: Connection) -> None:
    """Publish Tuesday, and send oneself the signal when the step is done. Tells the state at the end."""

    def at(done: str) -> None:
        if done == step:
            os.kill(os.getpid(), sent)

    def half(rows: pa.Table, name: str) -> pa.RecordBatchReader:
        def some_then_signal() -> Iterator[pa.RecordBatch]:
            yield from rows.to_batches()
            at(f"{name} half written")

        return pa.RecordBatchReader.from_batches(rows.schema, some_then_signal())

    try:
        told.send(
            tuesday(
                Marts(open_database(url)),
                offers=half(offers(TUESDAYS_LINES), "offers"),
                suppressions=half(suppressions(""), "suppressions"),
                reasks=half(no_reasks(), "reasks"),
                on_step=at,
            )
        )
    except HemsilError as error:
        told.send(type(error).__name__)


def start(marts: Marts, step: str, sent: int) -> tuple[Any, Connection]:
    here, there = processes.Pipe()
    process = processes.Process(target=publish_until, args=(url_of(marts), step, sent, there), daemon=True)
    process.start()
    there.close()
    return process, here


def shown(marts: Marts) -> list[Any]:
    return rows(marts.engine, "SELECT member_id, slot FROM marts.offer_table ORDER BY 1, 2")


def assert_sound(marts: Marts) -> None:
    """One whole batch is shown, nothing of another is left, and the campaigns balance."""
    assert rows(marts.engine, "SELECT count(*) FROM marts.batches WHERE is_current AND state = 'published'") == [(1,)]
    assert rows(marts.engine, "SELECT * FROM marts.campaign_summary WHERE audience <> to_send + suppressed") == []
    for table in ("offers", "suppressions"):
        count = f"(SELECT count(*) FROM platform.{table} r WHERE r.batch = b.batch)"
        stands = "SELECT batch_id FROM platform.batches b WHERE state <> 'staging'"
        assert rows(marts.engine, f"{stands} AND {table.removesuffix('s')}_rows <> {count}") == []
        strays = f"SELECT * FROM platform.{table} WHERE batch NOT IN (SELECT batch FROM platform.batches)"
        assert rows(marts.engine, strays) == []


@pytest.mark.promise("R2")
@pytest.mark.parametrize("step", [*HALF_WRITTEN, *STEPS])
def test_a_run_killed_anywhere_leaves_the_old_batch_or_the_new_one_whole(
    marts: Marts, step: str, record_property: Callable[[str, object], None]
) -> None:
    publish(marts, a_batch(MONDAY))
    rounds = times(20, 1)
    for _ in range(rounds):
        kill_at(marts, step)
        forget_tuesday(marts)
    record_property(
        "figure", f"killed {rounds} times when {step}: {rounds} times one whole batch, and the next run publishes"
    )


def kill_at(marts: Marts, step: str) -> None:
    process, _ = start(marts, step, signal.SIGKILL)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    wait_until_alone(marts)
    assert_sound(marts)
    assert shown(marts) == (TUESDAYS_OFFERS if step == "committed" else MONDAYS_OFFERS)

    assert tuesday(marts) == ("already_published" if step == "committed" else "published")
    assert_sound(marts)
    assert shown(marts) == TUESDAYS_OFFERS
    assert rows(marts.engine, "SELECT business_date, state FROM marts.batches ORDER BY 1") == [
        (MONDAY, "published"),
        (TUESDAY, "published"),
    ]


def wait_until_alone(marts: Marts) -> None:
    """PostgreSQL notices that a client is gone when it next speaks to it."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    others += " AND backend_type = 'client backend' AND state <> 'idle'"
    deadline = time.monotonic() + 30
    while rows(marts.engine, others) != [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.promise("R2")
def test_two_identical_runs_at_once_publish_one_batch_every_time(
    marts: Marts, record_property: Callable[[str, object], None]
) -> None:
    publish(marts, a_batch(MONDAY))
    with ProcessPoolExecutor(2, mp_context=processes) as pool:
        for _ in range(times(50, 10)):
            runs = [pool.submit(tuesday_at, url_of(marts)) for _ in range(2)]
            assert sorted(run.result() for run in runs) == ["already_published", "published"]
            assert shown(marts) == TUESDAYS_OFFERS
            assert_sound(marts)
            assert rows(marts.engine, "SELECT count(*) FROM marts.batches") == [(2,)]
            forget_tuesday(marts)
    record_property("figure", f"two identical runs at once, {times(50, 10)} times: one batch each time")


def forget_tuesday(marts: Marts) -> None:
    rows(
        marts.engine,
        "UPDATE platform.pointer SET batch = (SELECT batch FROM platform.batches WHERE business_date = :monday)",
        monday=MONDAY,
    )
    for table in ("campaigns", "offers", "suppressions", "reasks", "batches"):
        rows(
            marts.engine,
            f"DELETE FROM platform.{table} WHERE batch <> (SELECT batch FROM platform.pointer)",
        )


@pytest.mark.promise("R2")
@pytest.mark.parametrize("step", ["announced", "offers half written", "audience written"])
def test_a_run_that_was_stopped_and_goes_on_after_another_has_published_changes_nothing(
    marts: Marts, step: str
) -> None:
    publish(marts, a_batch(MONDAY))
    zombie, told = start(marts, step, signal.SIGSTOP)
    wait_until_stopped(zombie.pid)
    assert tuesday(marts) == "published"
    there = marts.current()
    os.kill(zombie.pid, signal.SIGCONT)
    assert told.recv() == "already_published"
    zombie.join(60)
    assert marts.current() == there
    assert_sound(marts)
    assert rows(marts.engine, "SELECT count(*) FROM marts.batches") == [(2,)]


def wait_until_stopped(pid: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        with open(f"/proc/{pid}/stat") as file:
            if file.read().rsplit(")", 1)[1].split()[0] == "T":
                return
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.promise("R2")
@pytest.mark.slow
def test_a_run_that_stops_while_it_has_the_turn_is_sent_away_and_the_next_one_publishes(marts: Marts) -> None:
    publish(marts, a_batch(MONDAY))
    zombie, told = start(marts, "locked", signal.SIGSTOP)
    wait_until_stopped(zombie.pid)
    assert tuesday(marts) == "published"  # waits a minute, until PostgreSQL gives the zombie up
    os.kill(zombie.pid, signal.SIGCONT)
    assert told.recv() == "DatabaseUnavailable"
    assert_sound(marts)
    assert shown(marts) == TUESDAYS_OFFERS


def test_a_batch_that_is_still_being_written_is_not_taken_for_a_dead_one(marts: Marts) -> None:
    writer, told = start(marts, "offers half written", signal.SIGSTOP)
    wait_until_stopped(writer.pid)
    publish(marts, a_batch(MONDAY))
    assert rows(marts.engine, "SELECT business_date FROM marts.batches WHERE state = 'staging'") == [(TUESDAY,)]
    os.kill(writer.pid, signal.SIGCONT)
    assert told.recv() == "published"
    assert shown(marts) == TUESDAYS_OFFERS


@pytest.mark.promise("R2")
def test_a_connection_lost_in_the_middle_is_told_and_nothing_is_published(marts: Marts) -> None:
    publish(marts, a_batch(MONDAY))

    def cut(step: str) -> None:
        if step == "shown":
            rows(marts.engine, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted")

    with pytest.raises(DatabaseUnavailable):
        tuesday(marts, on_step=cut)
    assert shown(marts) == MONDAYS_OFFERS
    assert tuesday(marts) == "published"
    assert_sound(marts)


def test_a_server_that_is_away_is_told_without_the_password() -> None:
    nowhere = open_database("postgresql://hemsil:secret@127.0.0.1:1/hemsil")
    with pytest.raises(DatabaseUnavailable) as away:
        Marts(nowhere).current()
    assert "127.0.0.1:1" in str(away.value)
    assert "secret" not in str(away.value)
