"""What members have said to us, and mailing tools have sent, since the club's own tables were written: read from the live
ledger and put among the tables as the club would have written it. Erased members are taken out of them.
"""

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ml.audiences import or_nobody
from ml.source_tables import AUDIENCES, CONSENTS, FEEDBACK, MAILINGS, PREFERENCES
from resources.database import reaching
from resources.erasure import Erased

LIVE = "live"  # source of the consents that were given or withdrawn here, and not in the club's own systems
_UTC = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24\\:MI\\:SS.US\"Z\"')"  # as a CSV of the contract has it

# Source table -> what of the ledger belongs in it, every value as text.
SAID = {
    CONSENTS.name: f"""
        SELECT member_id, 'marketing' AS purpose, channel, (kind = 'opt_in')::text AS granted,
               {_UTC.format("max(recorded_at)")} AS recorded_at, '{LIVE}' AS source
        FROM live.events WHERE member_id <> '(erased)' GROUP BY member_id, channel, kind""",
    FEEDBACK.name: f"""
        SELECT 'live-' || event_id AS feedback_id, member_id, scope, scope_id, verdict, stage,
               CASE WHEN source IN ('email', 'web', 'app', 'store') THEN source ELSE 'web' END AS source,
               {_UTC.format("recorded_at")} AS recorded_at
        FROM live.feedback WHERE member_id <> '(erased)'""",
    PREFERENCES.name: f"""
        SELECT DISTINCT ON (member_id, channel) member_id, channel, wanted::text, max_per_week::text,
               {_UTC.format("recorded_at")} AS recorded_at, source
        FROM live.preferences WHERE member_id <> '(erased)' ORDER BY member_id, channel, recorded_at DESC, wanted""",
    MAILINGS.name: f"""
        SELECT 'claim-' || claim_id AS mailing_id, member_id, campaign_id, offer_id, channel,
               {_UTC.format("sent_at")} AS sent_at, NULL AS propensity
        FROM live.claims WHERE sent_at IS NOT NULL AND member_id <> '(erased)'""",
}


def with_the_daytime(tables: Mapping[str, ir.Table], engine: Engine, erased: Erased) -> dict[str, ir.Table]:
    """The club's tables with what the live ledger has heard, and without whoever has been erased.

    A club without consents stays one: there the views alone heed the ledger. A message that the club reports itself and
    that was claimed from us is counted once.
    """
    told = dict(tables)
    for name, query in SAID.items():
        if name == CONSENTS.name and name not in tables:
            continue
        heard = _rows(engine, query)
        if heard.num_rows:
            told[name] = _added(tables.get(name), heard, name)
    return _without(told, erased)


def of_strangers(quarantined: ir.Table, engine: Engine) -> dict[str, int]:
    """table -> rows set aside as their member is not in the club, of members of whom our ledger has heard.

    Anybody may say no to us under any id, and members leave: nothing is wrong with the club's tables then, and nothing in
    them could mend it. The rows stay set aside, and no night stops for them.
    """
    said = " UNION ".join(
        f"SELECT member_id FROM live.{ledger}" for ledger in ("events", "feedback", "preferences", "claims")
    )
    heard = ibis.memtable(_rows(engine, said), schema=ibis.schema({"member_id": "string"}))
    rows = quarantined.filter(quarantined.rule == "unknown:member_id", quarantined.table_name.isin(list(SAID)))
    counted = rows.semi_join(heard, "member_id").group_by("table_name").aggregate(rows=ibis._.count())
    return {row["table_name"]: row["rows"] for row in counted.to_pyarrow().to_pylist()}


def _rows(engine: Engine, query: str) -> pa.Table:
    with reaching(engine), engine.connect() as connection:
        found = connection.execute(sa.text(query))
        names = list(found.keys())
        columns = list(zip(*found.all(), strict=True)) or [()] * len(names)
    return pa.table([pa.array(values, pa.string()) for values in columns], names=names)


def _added(table: ir.Table | None, heard: pa.Table, name: str) -> ir.Table:
    rows = ibis.memtable(heard, schema=ibis.schema(dict.fromkeys(heard.schema.names, "string")))
    if table is None:
        return rows
    if table.member_id.type().is_integer():  # the ledger has whatever id was said to us
        table = table.mutate(member_id=table.member_id.cast("string"))
    columns = [column for column in table.columns if column in rows.columns]
    if name == MAILINGS.name:
        known = table.select(*(table[c].cast("string") for c in ("member_id", "campaign_id", "channel")))
        rows = rows.anti_join(known, ["member_id", "campaign_id", "channel"])
    fitted = rows.select(**{column: rows[column].try_cast(table[column].type()) for column in columns})
    missing = {c: ibis.null(table[c].type()) for c in table.columns if c not in columns}
    return table.union(fitted.mutate(**missing).select(*table.columns))


def _without(tables: dict[str, ir.Table], erased: Erased) -> dict[str, ir.Table]:
    """The tables without the rows of erased members, whose ids are known by their digests alone."""
    if not erased.digests:
        return tables
    ids = {str(value) for table in tables.values() for value in _members(table)}
    gone = pa.table({"member_id": pa.array(sorted(i for i in ids if erased.has(i)), pa.string())})
    if not gone.num_rows:
        return tables
    gone_rows = ibis.memtable(gone)
    left = {
        name: table.filter(table.member_id.isnull() | table.member_id.cast("string").notin(gone_rows.member_id))
        if "member_id" in table.columns
        else table
        for name, table in tables.items()
    }
    named = tables.get(AUDIENCES.name)
    if named is not None and {"campaign_id", "member_id"} <= {*named.columns}:
        text = left[AUDIENCES.name].mutate(member_id=left[AUDIENCES.name].member_id.cast("string"))
        left[AUDIENCES.name] = or_nobody(text, named.select("campaign_id"))
    return left


def _members(table: ir.Table) -> list[object]:
    if "member_id" not in table.columns:
        return []
    found: list[object] = (
        table.filter(table.member_id.notnull()).select("member_id").distinct().to_pyarrow()[0].to_pylist()
    )
    return found
