"""One campaign as a file for people and mailing tools: whom to send what, or whom not to write to and why. What the
formats are like is in export_formats.py.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping

from ml.errors import InputError, SettingsError
from ml.published_tables import OFFER_TABLE, SUPPRESSION_LIST
from ml.tables import Table, Type
from resources.database import reaching
from resources.export_formats import WRITERS, About

ROWS_AT_ONCE = 10_000
ADDRESS = "List-Unsubscribe"
ONE_CLICK = ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")

_BATCH = """
SELECT b.batch_id, b.business_date, b.model_version, b.policy_version, b.fallback_step, b.hidden_because, now() AS exported_at,
       (SELECT min(valid_until) FROM marts.offer_table WHERE campaign_id = :campaign_id) AS send_before
FROM marts.batches b WHERE b.is_current
"""


def export_campaign(
    engine: Engine, campaign_id: str, file_format: str, folder: Path, *, suppressed: bool = False, unsubscribe: str = ""
) -> Path:
    """Write one campaign of the current batch, by the consents of this moment, and return the file.

    file_format  csv, parquet or xlsx
    suppressed   the suppression list of the campaign instead of its offers
    unsubscribe  the one-click address with {member_id} and {campaign_id} in it; each offer then carries the two headers
                 that RFC 8058 asks a mail to have, List-Unsubscribe and List-Unsubscribe-Post
    folder       made with mode 0700 when missing; the file has mode 0600 and appears in it whole, replacing an earlier one

    A campaign with nobody to send to gives a valid file without rows.
    Raises SettingsError for a campaign or format that there is not, naming those that there are; InputError when
    nothing has been published yet, the batch may not be shown, or the rows do not fit the format; DatabaseUnavailable.
    """
    if file_format not in WRITERS:
        raise SettingsError(f"there is no format {file_format}; there are {', '.join(WRITERS)}")
    table = SUPPRESSION_LIST if suppressed else OFFER_TABLE
    with reaching(engine), engine.connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")  # batch and rows of one moment
        about = _about(connection, campaign_id, table)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = folder / f"{_file_name(about, suppressed)}.{file_format}"
        with tempfile.TemporaryDirectory(prefix=".export-", dir=folder) as workplace:  # 0700, and on the same disk
            draft = Path(workplace) / target.name
            os.close(os.open(draft, os.O_CREAT | os.O_WRONLY, 0o600))
            schema, rows = arrow_schema(table), _rows(connection, campaign_id, table)
            if unsubscribe and not suppressed:
                schema = schema.append(pa.field(ADDRESS, pa.string())).append(pa.field(ONE_CLICK[0], pa.string()))
                rows = _with_headers(rows, schema, unsubscribe)
            WRITERS[file_format](draft, schema, rows, about)
            draft.chmod(0o600)
            draft.replace(target)
    return target


def arrow_schema(table: Table) -> pa.Schema:
    """The view's columns as a Parquet file has them: times with their zone, JSON as text."""
    exact = {Type.TIME: pa.timestamp("us", tz="UTC")}
    plain: pa.Schema = table.schema.to_pyarrow()
    return pa.schema([pa.field(c.name, exact.get(c.type, plain.field(c.name).type)) for c in table.columns])


def _about(connection: Connection, campaign_id: str, table: Table) -> About:
    batch = connection.execute(sa.text(_BATCH), {"campaign_id": campaign_id}).mappings().first()
    if batch is None:
        raise InputError("nothing has been published yet, so there is nothing to export: run `hemsil nightly` first")
    if batch["hidden_because"]:
        raise InputError(f"nothing may be sent, so there is nothing to export: {batch['hidden_because']}")
    known = connection.scalars(sa.text("SELECT campaign_id FROM marts.campaign_summary ORDER BY campaign_id")).all()
    if campaign_id not in known:
        raise SettingsError(
            f"batch {batch['batch_id']} has no campaign {campaign_id}; it has {', '.join(known) or 'none at all'}"
        )
    return _in_words(batch, campaign_id, table)


def _in_words(batch: RowMapping, campaign_id: str, table: Table) -> About:
    send_before = batch["send_before"]
    return About(
        {
            "contents": table.meaning,
            "campaign_id": campaign_id,
            "batch_id": batch["batch_id"],
            "business_date": str(batch["business_date"]),
            "send_before": _utc(send_before) if send_before else "",
            "exported_at": _utc(batch["exported_at"]),
            "model_version": batch["model_version"],
            "policy_version": batch["policy_version"],
            "fallback_step": batch["fallback_step"],
        }
    )


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _rows(connection: Connection, campaign_id: str, table: Table) -> Iterator[pa.RecordBatch]:
    """The rows of the view, batch after batch, in the order of its key."""
    columns = ", ".join(f"{c.name}::text" if c.type is Type.JSON else c.name for c in table.columns)
    query = f"SELECT {columns} FROM marts.{table.name} WHERE campaign_id = :campaign_id ORDER BY {', '.join(table.key)}"
    schema = arrow_schema(table)
    streamed = connection.execution_options(stream_results=True).execute(sa.text(query), {"campaign_id": campaign_id})
    for rows in streamed.partitions(ROWS_AT_ONCE):
        arrays = [pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), schema, strict=True)]
        yield pa.record_batch(arrays, schema=schema)


def _with_headers(rows: Iterator[pa.RecordBatch], schema: pa.Schema, address: str) -> Iterator[pa.RecordBatch]:
    """The rows with what to put in the mail's headers, for each member and campaign."""
    for batch in rows:
        ids = zip(batch["member_id"].to_pylist(), batch["campaign_id"].to_pylist(), strict=True)
        own = (
            address.replace("{member_id}", quote(member, safe="")).replace("{campaign_id}", quote(campaign, safe=""))
            for member, campaign in ids
        )
        headers = [pa.array([f"<{url}>" for url in own], pa.string()), pa.repeat(ONE_CLICK[1], batch.num_rows)]
        yield pa.record_batch([*batch.columns, *headers], schema=schema)


def _file_name(about: About, suppressed: bool) -> str:
    """Campaign and business date. An id that is no file name is made one, with a digest so that no two get the same."""
    campaign_id = about["campaign_id"]
    name = re.sub(r"[^A-Za-z0-9_-]", "_", campaign_id)[:80]
    if name != campaign_id:
        name += "-" + hashlib.sha256(campaign_id.encode()).hexdigest()[:8]
    return f"campaign-{name}-{about['business_date']}" + ("-suppressed" if suppressed else "")
