"""What stood the night before, for comparing. The comparison itself is in ml/reach.py."""

import ibis
import ibis.expr.types as ir

from ml.errors import DamagedTable
from ml.lake_tables import CHANGES, OFFERS_TO_SEND, SUPPRESSIONS
from ml.reach import changes
from resources.platform import Platform


def changes_tonight(platform: Platform, key: str, offers: ir.Table, stopped: ir.Table) -> tuple[ir.Table, str]:
    """`CHANGES` since the newest earlier night in the lake, and that night's date; no rows and "" where there is none that
    can be read (one written by an older version may have other columns)."""
    lake = platform.lake
    earlier = [date for date in lake.dates(SUPPRESSIONS.name) if date < key and lake.has(OFFERS_TO_SEND.name, date)]
    if not earlier:
        return ibis.memtable([], schema=CHANGES.schema), ""
    try:
        then = lake.read(OFFERS_TO_SEND, earlier[-1]), lake.read(SUPPRESSIONS, earlier[-1])
    except DamagedTable:
        return ibis.memtable([], schema=CHANGES.schema), ""
    return changes(offers, stopped, *then), earlier[-1]
