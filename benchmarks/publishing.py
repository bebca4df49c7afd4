"""Publishing, gate and all, beside a plain COPY of the same rows into tables with the same columns and no keys, in turn and in
the same run.

    python -m benchmarks.publishing [--rows 1000000] [--rounds 3] [--save docs/measured/publishing.csv]

It makes a PostgreSQL of its own in a temporary folder, set up as the embedded one is, and removes it.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from benchmarks.figures import save
from ml.published_tables import OFFER_TABLE, REASK_LIST, SUPPRESSION_LIST
from resources.arrow_copy import copy_in
from resources.batches import Batch, columns_to_publish
from resources.database import migrate, open_database
from resources.embedded_postgres import EmbeddedPostgres
from resources.marts import Marts

DAY = date(2026, 1, 5)
CAMPAIGNS = 10


def offer_rows(rows: int) -> pa.Table:
    """One offer each for `rows` members, in the order of the view's key."""
    at = np.arange(rows)
    columns = {
        "member_id": pa.array([f"m{n:08d}" for n in at]),
        "slot": pa.array(np.ones(rows, dtype=np.int64)),
        "campaign_id": pa.array([f"c{n % CAMPAIGNS}" for n in at]),
        "offer_id": pa.array([f"o{n % 100}" for n in at]),
        "channel": pa.array(["email"] * rows),
        "relevance": pa.array((at % 997) / 1000),
        "expected_value": pa.array((at % 89) / 10),
        "reason": pa.array(["You often buy cheese, and it has been a while."] * rows),
        "evidence": pa.array(['{"family": "affinity", "bought": 12}'] * rows),
        "merge_fields": pa.array(['{"first_name": "Kim", "title": "Cheese"}'] * rows),
        "valid_from": pa.array([datetime(2026, 1, 5, tzinfo=UTC)] * rows),
        "valid_until": pa.array([datetime(2026, 1, 9, tzinfo=UTC)] * rows),
        "message_class": pa.array(["marketing"] * rows),
    }
    schema = columns_to_publish(OFFER_TABLE)
    return pa.table({name: columns[name] for name in schema.names}).cast(schema)


def suppression_rows(rows: int) -> pa.Table:
    """One suppression each for `rows` other members, in the order of the view's key."""
    at = np.arange(rows)
    columns = {
        "campaign_id": pa.array([f"c{n * CAMPAIGNS // rows}" for n in at]),
        "member_id": pa.array([f"s{n:08d}" for n in at]),
        "reason": pa.array(["LOW_RELEVANCE"] * rows),
        "detail": pa.array(["Its relevance of 1 % is below the 3 % asked for."] * rows),
        "reasons": pa.array([["LOW_RELEVANCE", "OUTRANKED"]] * rows),
        "relevance": pa.array((at % 97) / 10_000),
        "threshold": pa.array(np.full(rows, 0.03)),
        "would_pass_if": pa.array(["its relevance were 3 %"] * rows),
        "until": pa.nulls(rows, pa.date32()),
    }
    schema = columns_to_publish(SUPPRESSION_LIST)
    return pa.table({name: columns[name] for name in schema.names}).cast(schema)


def plain_copy(marts: Marts, offers: pa.Table, stopped: pa.Table) -> float:
    """Seconds to COPY and commit both, into tables made for it."""
    with marts.engine.begin() as connection:
        for table in ("offers", "suppressions"):
            connection.execute(sa.text(f"DROP TABLE IF EXISTS public.{table}"))
            connection.execute(sa.text(f"CREATE TABLE public.{table} (LIKE platform.{table})"))
    start = time.perf_counter()
    with marts.engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL TIME ZONE 'UTC'"))
        cursor = connection.connection.cursor()
        for table, rows in (("offers", offers), ("suppressions", stopped)):
            copy_in(cursor, f"public.{table}", 1, rows, rows.schema)
    return time.perf_counter() - start


def published(marts: Marts, offers: pa.Table, stopped: pa.Table, night: int) -> float:
    """Seconds to publish them as a batch: COPY, keys, every assertion, the nights before, the pointer."""
    batch = Batch(DAY + timedelta(days=night), "1", "p", "A", {}, f"run-{night}", str(night))
    audience = {f"c{n}": (offers.num_rows + stopped.num_rows) // CAMPAIGNS for n in range(CAMPAIGNS)}
    reasks = columns_to_publish(REASK_LIST).empty_table()
    start = time.perf_counter()
    marts.publish(batch, offers, stopped, reasks, audience)
    return time.perf_counter() - start


def measured(rows: int, rounds: int) -> Iterator[dict[str, object]]:
    """A row a round."""
    offers, stopped = offer_rows(rows), suppression_rows(rows)
    with tempfile.TemporaryDirectory(prefix="hemsil-bench-") as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "postgres")
        try:
            engine = open_database(server.up())
            migrate(engine)
            marts = Marts(engine)
            for turn in range(rounds):
                copy, publish = plain_copy(marts, offers, stopped), published(marts, offers, stopped, turn)
                yield {"rows": 2 * rows, "round": turn + 1, "copy_s": round(copy, 2), "publish_s": round(publish, 2),
                       "ratio": round(publish / copy, 2)}  # fmt: skip
            engine.dispose()
        finally:
            server.down()


def main() -> None:
    """Print each round as it is done, and save them where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--save", type=Path)
    given = parser.parse_args()
    found = []
    for row in measured(given.rows, given.rounds):
        print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        found.append(row | {"machine": f"{len(os.sched_getaffinity(0))} cores, {platform.machine()}",
                            "versions": f"Python {platform.python_version()}, pyarrow {version('pyarrow')}"})  # fmt: skip
    save(found, given.save)


if __name__ == "__main__":
    main()
