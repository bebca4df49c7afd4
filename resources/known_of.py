"""Everything that is known of one member, for the member: each table as of the newest night that knew the member, what is published, what
was said to us and what was sent. It goes to whoever asks at this terminal and to no log.
"""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from ml.tables import Table
from resources.database import reaching
from resources.platform import Platform

_STORED = {
    "offers published": "SELECT * FROM marts.offer_history WHERE member_id = :member ORDER BY business_date, slot",
    "stopped, and why": "SELECT * FROM marts.suppression_history WHERE member_id = :member ORDER BY business_date, campaign_id",
    "questions we would ask again": "SELECT b.business_date, r.fact, r.last_value, r.declared_at, r.expired_on, r.question FROM platform.reasks r JOIN platform.batches b USING (batch) WHERE r.member_id = :member ORDER BY b.business_date, r.fact",
    "other ids of the same person": "SELECT DISTINCT b.business_date, p.other_id FROM platform.same_person p JOIN platform.batches b USING (batch) WHERE p.member_id = :member ORDER BY 1, 2",
    "opt-outs and opt-ins": "SELECT kind, channel, recorded_at, received_at, source FROM live.events WHERE member_id = :member ORDER BY place",
    "not for me": "SELECT scope, scope_id, verdict, recorded_at, source FROM live.feedback WHERE member_id = :member ORDER BY place",
    "preferences": "SELECT channel, wanted, max_per_week, recorded_at, source FROM live.preferences WHERE member_id = :member ORDER BY place",
    "messages claimed and sent": "SELECT campaign_id, channel, offer_id, claimed_at, claimed_by, sent_at FROM live.claims WHERE member_id = :member ORDER BY claimed_at",
}  # fmt: skip


def known_of(platform: Platform, member: str, tables: Iterable[Table]) -> dict[str, Any]:
    """{"member_id", "lake": {table: {"meaning", "business_date", "rows"}}, "database": {what: rows}}, as values JSON can hold;
    tables without a row of the member are left out.

    tables   the lake's tables to look into, each at the newest date that has something of the member
    Raises DatabaseUnavailable, DamagedTable.
    """
    lake: dict[str, Any] = {}
    for table in tables:
        for date in reversed(platform.lake.dates(table.name) if "member_id" in table.names else []):
            read = platform.lake.read(table, date)
            if rows := read.filter(read.member_id == member).to_pyarrow().to_pylist():
                lake[table.name] = {"meaning": table.meaning, "business_date": date, "rows": rows}
                break
    engine = platform.marts.engine
    database = {}
    with reaching(engine), engine.connect() as connection:
        for what, query in _STORED.items():
            found = [dict(row) for row in connection.execute(sa.text(query), {"member": member}).mappings()]
            if found:
                database[what] = found
    return {"member_id": member, "lake": lake, "database": database}
