"""What somebody outside of Dagster must look at, as Dagster cannot tell that it has died: is there a batch of tonight, may it
be shown, does the daemon live, does no run hang and none lack its process, is the ledger whole. Telling people is left to hemsil/operations.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from resources.database import reaching
from resources.platform import Platform

LEDGERS = ("events", "feedback", "preferences")
DAEMON_SILENT = timedelta(minutes=4)  # with a look every five minutes, an alarm within ten
LOST_AFTER = timedelta(minutes=1)
RUN_AT_MOST = timedelta(
    hours=4, minutes=1
)  # max_runtime_seconds of dagster.yaml, and the minute it may take to be failed

_CURRENT = """
SELECT b.published_at, b.business_date, s.hidden_because, b.valid_until IS NOT NULL AS was_tonights
FROM platform.standing s JOIN platform.batches b USING (batch)
"""
_HEAD = """
SELECT (ledger -> :ledger ->> 0)::bigint, decode(ledger -> :ledger ->> 1, 'hex') FROM platform.batches
WHERE ledger -> :ledger ->> 0 IS NOT NULL ORDER BY published_at DESC NULLS LAST LIMIT 1
"""
# The process that spoke last in each run that goes on; Dagster's default launcher does not notice that it was killed.
_PROCESSES = """
SELECT (spoke.event::json -> 'dagster_event' ->> 'pid')::bigint FROM dagster.runs r CROSS JOIN LATERAL (
    SELECT e.event, e.timestamp FROM dagster.event_logs e
    WHERE e.run_id = r.run_id AND e.event::json -> 'dagster_event' ->> 'pid' IS NOT NULL ORDER BY e.id DESC LIMIT 1) spoke
WHERE r.status = 'STARTED' AND spoke.timestamp < :before
"""


@dataclass(frozen=True)
class Seen:
    """One thing looked at: whether it is as it should be, in words."""

    what: str
    well: bool
    words: str


def look(platform: Platform, batch_hours: float, daemon: bool) -> list[Seen]:
    """Everything there is to look at. Raises DatabaseUnavailable, which is an alarm too.

    batch_hours   how old the current batch may be; a club whose history has ended has no new nights to wait for
    daemon        whether Dagster's daemon is meant to run (False where cron starts the nights)
    """
    now = platform.now().replace(tzinfo=UTC)
    engine = platform.marts.engine
    with reaching(engine), engine.connect() as connection:
        seen = [_batch(connection, platform, now, batch_hours), *(_ledger(connection, name) for name in LEDGERS)]
        seen.append(_copy(platform))
        if connection.scalar(sa.text("SELECT to_regclass('dagster.runs') IS NOT NULL")):
            seen += _runs(connection, now)
        if daemon:
            seen.append(_daemon(connection, now))
    return seen


def _batch(connection: Connection, platform: Platform, now: datetime, hours: float) -> Seen:
    row = connection.execute(sa.text(_CURRENT)).first()
    if row is None:
        return Seen("batch", False, "nothing has been published yet")
    if row.hidden_because:
        return Seen("batch", False, f"the views show nothing: {row.hidden_because}")
    age = now - row.published_at
    ended = platform.source.last_date is not None and not row.was_tonights
    words = f"of {row.business_date}, published {age.total_seconds() / 3600:.1f} hours ago"
    return Seen("batch", ended or age <= timedelta(hours=hours), words)


def _ledger(connection: Connection, name: str) -> Seen:
    head = connection.execute(sa.text(_HEAD), {"ledger": name}).first()
    place, digest = head if head else (None, None)
    query = sa.text("SELECT live.first_fault(CAST(:ledger AS regclass), :place, :digest)")
    fault = connection.scalar(query, {"ledger": f"live.{name}", "place": place, "digest": digest})
    return Seen(f"ledger {name}", fault is None, "whole" if fault is None else f"changed or cut off at place {fault}")


def _copy(platform: Platform) -> Seen:
    """Copy what members have said since the last look, unless the database knows less than the copy."""
    try:
        behind = platform.ledger_copy.behind()
        new = 0 if behind else platform.ledger_copy.keep()
    except OSError as error:
        return Seen("ledger's copy", False, f"cannot be written: {error.strerror}")
    words = (
        f"{behind}: run `hemsil db replay`, or the night, which hears it again" if behind else f"kept, {new} new rows"
    )
    return Seen("ledger's copy", not behind, words)


def _runs(connection: Connection, now: datetime) -> Iterator[Seen]:
    query = "SELECT count(*) FROM dagster.runs WHERE status IN ('STARTED', 'STARTING', 'CANCELING') AND start_time < :before"
    hanging = connection.scalar(sa.text(query), {"before": (now - RUN_AT_MOST).timestamp()}) or 0
    yield Seen(
        "runs", hanging == 0, f"{hanging} have been running for more than four hours" if hanging else "none hangs"
    )
    before = (now - LOST_AFTER).replace(tzinfo=None)
    pids = connection.scalars(sa.text(_PROCESSES), {"before": before}).all()
    lost = sum(not Path("/proc", str(pid)).exists() for pid in pids) if Path("/proc/self").exists() else 0
    words = (
        f"of {lost} runs that go on the process is gone: killed, or the machine was started anew" if lost else "live"
    )
    yield Seen("processes of runs", lost == 0, words)


def _daemon(connection: Connection, now: datetime) -> Seen:
    there = connection.scalar(sa.text("SELECT to_regclass('dagster.daemon_heartbeats') IS NOT NULL"))
    last = connection.scalar(sa.text("SELECT max(timestamp) FROM dagster.daemon_heartbeats")) if there else None
    if last is None:
        return Seen("daemon", False, "has never run: start it, or say --no-daemon where cron starts the nights")
    silent = now - last.replace(tzinfo=last.tzinfo or UTC)
    return Seen("daemon", silent <= DAEMON_SILENT, f"last heard of {silent.total_seconds() / 60:.0f} minutes ago")
