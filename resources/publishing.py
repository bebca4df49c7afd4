"""The single steps of publishing, each a few statements on an open transaction. Their order is in marts.py."""

import json
from collections.abc import Mapping
from datetime import UTC

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ml.published_tables import OFFER_TABLE, REASK_LIST, SUPPRESSION_LIST
from resources.arrow_copy import Rows, copy_in
from resources.batches import SAID, SAME_PERSON, SCOPES, Batch, Beside, columns_to_publish
from resources.publish_gate import Decision, Standing, decide

PUBLISHING = 4865_002  # advisory lock: one batch at a time is checked and shown
WRITING = 4865  # advisory locks (WRITING, number): held by whoever writes that batch, as long as they live
ROUGHLY = 10  # of 100

# Tables of schema platform that a batch has rows in, and what a caller hands over for each.
COLUMNS = {
    "offers": columns_to_publish(OFFER_TABLE),
    "suppressions": columns_to_publish(SUPPRESSION_LIST),
    "reasks": columns_to_publish(REASK_LIST),
}


def announce(connection: Connection, batch: Batch, number: int, token: int) -> None:
    """Write the batch's own row, state staging, for all to see."""
    connection.execute(
        sa.text("""
            INSERT INTO platform.batches (batch, batch_id, business_date, state, token, fingerprint, model_version,
                                          policy_version, fallback_step, watermarks, run_id, model_age_days,
                                          consents_until, consents_last, accepted)
            VALUES (:batch, :batch_id, :business_date, 'staging', :token, :fingerprint, :model_version,
                    :policy_version, :fallback_step, CAST(:watermarks AS jsonb), :run_id, :model_age_days,
                    :consents_until, make_interval(secs => :consents_s), nullif(:accepted, ''))"""),
        {
            "batch": number,
            "batch_id": batch.id(number),
            "business_date": batch.business_date,
            "token": token,
            "fingerprint": batch.fingerprint,
            "model_version": batch.model_version,
            "policy_version": batch.policy_version,
            "fallback_step": batch.fallback_step,
            "watermarks": json.dumps(dict(batch.watermarks), allow_nan=False),
            "run_id": batch.run_id,
            "model_age_days": batch.model_age_days,
            "consents_until": batch.consents_until and batch.consents_until.replace(tzinfo=UTC),
            "consents_s": batch.consents_hours * 3600,
            "accepted": batch.accepted,
        },
    )


def mark_as_writing(connection: Connection, number: int) -> None:
    """Hold the lock that tells others, until the transaction ends, that the writer of the batch lives."""
    connection.execute(sa.text(f"SELECT pg_advisory_xact_lock({WRITING}, :number)"), {"number": number})


def remove_dead(connection: Connection) -> int:
    """Remove announcements whose writer has died, and say how many. Their rows PostgreSQL has undone already."""
    return connection.execute(
        sa.text(
            f"DELETE FROM platform.batches WHERE state = 'staging' AND pg_try_advisory_xact_lock({WRITING}, batch::int)"
        )
    ).rowcount


def withdraw(connection: Connection, number: int) -> None:
    """Remove the announcement, unless the batch has been published."""
    connection.execute(
        sa.text("DELETE FROM platform.batches WHERE batch = :number AND state = 'staging'"), {"number": number}
    )


def write_rows(connection: Connection, number: int, table: str, rows: Rows) -> int:
    """COPY into one of COLUMNS and say how many rows there were."""
    connection.execute(sa.text("SET LOCAL TIME ZONE 'UTC'"))
    return copy_in(connection.connection.cursor(), f"platform.{table}", number, rows, COLUMNS[table])


def write_audience(connection: Connection, number: int, audience: Mapping[str, int]) -> None:
    connection.execute(
        sa.text(
            "INSERT INTO platform.campaigns (batch, campaign_id, audience)"
            " SELECT :number, * FROM unnest(CAST(:campaigns AS text[]), CAST(:sizes AS bigint[]))"
        ),
        {"number": number, "campaigns": list(audience), "sizes": list(audience.values())},
    )


def write_beside(connection: Connection, number: int, beside: Beside) -> None:
    """COPY what the gate and the views need besides the rows."""
    cursor = connection.connection.cursor()
    copy_in(cursor, "platform.said", number, beside.said, SAID)
    copy_in(cursor, "platform.scopes", number, beside.scopes, SCOPES)
    copy_in(cursor, "platform.same_person", number, beside.same_person, SAME_PERSON)


def lock_publishing(connection: Connection) -> None:
    """Wait for the turn to check and show. Whoever stops for a minute while having it is sent away by PostgreSQL."""
    connection.execute(sa.text("SET LOCAL lock_timeout = '120s'"))
    connection.execute(sa.text("SET LOCAL idle_in_transaction_session_timeout = '60s'"))
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": PUBLISHING})


def count_roughly(connection: Connection) -> None:
    """Have PostgreSQL count what was written, so that the gate's queries and the first readers are planned for it. A tenth of
    the usual sample is enough; autovacuum counts again at leisure."""
    tables = [f"platform.{table}" for table in (*COLUMNS, "campaigns", "said")]
    connection.execute(sa.text(f"SET LOCAL default_statistics_target = {ROUGHLY}"))
    connection.execute(sa.text(f"ANALYZE {', '.join([*tables, 'live.events'])}"))


def settle(connection: Connection, batch: Batch, token: int, supersede: bool, make_current: bool) -> Decision:
    """Decide by what stands now. Raises PublishRefused when a newer run has been here."""
    columns = "b.batch_id, b.business_date, b.token, b.fingerprint"
    there = connection.execute(
        sa.text(f"SELECT {columns} FROM platform.batches b WHERE state = 'published' AND business_date = :date"),
        {"date": batch.business_date},
    ).first()
    shown = connection.execute(
        sa.text(
            f"SELECT {columns}, p.token AS chosen_with FROM platform.pointer p JOIN platform.batches b USING (batch)"
        )
    ).first()
    return decide(
        batch.business_date,
        token,
        batch.fingerprint,
        same_date=Standing(*there) if there else None,
        current=Standing(*shown[:4]) if shown else None,
        chosen_with=shown.chosen_with if shown else 0,
        supersede=supersede,
        make_current=make_current,
    )


def make_published(connection: Connection, batch: Batch, number: int, rows: Mapping[str, int]) -> None:
    """Turn the batch from staging to published; the one that stood for its date is superseded."""
    connection.execute(
        sa.text("UPDATE platform.batches SET state = 'superseded' WHERE state = 'published' AND business_date = :date"),
        {"date": batch.business_date},
    )
    connection.execute(
        sa.text("""
            UPDATE platform.batches SET state = 'published', published_at = clock_timestamp(), offer_rows = :offers,
                   suppression_rows = :suppressions, reask_rows = :reasks,
                   valid_until = clock_timestamp() + make_interval(secs => :shown_s),
                   ledger = (SELECT jsonb_object_agg(name, last) FROM live.heads) WHERE batch = :number"""),
        {"number": number, "shown_s": batch.shown_hours and batch.shown_hours * 3600, **rows},
    )


def show(connection: Connection, number: int, chosen_with: int) -> None:
    """Move the pointer. `chosen_with` is the token of a choice by hand, else 0; older tokens cannot move it after that."""
    connection.execute(
        sa.text("""
            INSERT INTO platform.pointer (batch, token, database) SELECT :number, :token, oid FROM pg_database WHERE datname = current_database()
            ON CONFLICT (only_row) DO UPDATE SET batch = excluded.batch, moved_at = clock_timestamp(), database = excluded.database,
                token = greatest(pointer.token, excluded.token)"""),
        {"number": number, "token": chosen_with},
    )


def show_date(connection: Connection, batch: Batch, chosen_with: int) -> None:
    """Move the pointer to the batch that stands for the date."""
    number = connection.execute(
        sa.text("SELECT batch FROM platform.batches WHERE state = 'published' AND business_date = :date"),
        {"date": batch.business_date},
    ).scalar_one()
    show(connection, number, chosen_with)
