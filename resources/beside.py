"""What a batch brings besides its rows: who has consented or refused, by which the gate tells a member's own word from a
feed that has lost some; what a "not for me" of tomorrow would cover; and which ids are one person's.
"""

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from ml.errors import DamagedTable, NotInLake
from ml.night import Night, start_of_day
from ml.persons import same_person
from ml.rules_declared import scopes_that_stop
from ml.source_tables import CONSENTS
from resources.batches import SAID, SAME_PERSON, SCOPES, Beside
from resources.platform import Platform


def beside(platform: Platform, night: Night) -> Beside:
    """From the night's source tables and the consents of the last night published before it."""
    club = platform.club(night)
    granted = club.consents.filter(club.consents.granted)
    answers = club.responses.filter(club.responses.kind.isin(["unsubscribe", "complaint"]))
    refused = club.consents.filter(~club.consents.granted).select("member_id").union(answers.select("member_id"))
    said = (
        refused.distinct()
        .mutate(verdict=ibis.literal("refused"))
        .union(_new(platform, night, granted).distinct().mutate(verdict=ibis.literal("consented")))
    )
    scopes = scopes_that_stop(club, platform.policy)
    ids = same_person(club)
    others = ids.filter(ids.member_id != ids.of_id).rename(other_id="of_id")
    return Beside(_as(said, SAID), _as(scopes, SCOPES), _as(others, SAME_PERSON))


def _new(platform: Platform, night: Night, granted: ir.Table) -> ir.Table:
    """Members of the consents that the last published night had not heard; where that is not in the lake, of those
    recorded since it began."""
    before = platform.marts.newest_before(night.business_date)
    if before is None:
        return granted.select("member_id")
    try:
        known = platform.lake.read(CONSENTS, before.isoformat())
    except (NotInLake, DamagedTable):
        return granted.filter(granted.recorded_at >= start_of_day(before, night.timezone)).select("member_id")
    return granted.anti_join(known.filter(known.granted), CONSENTS.key).select("member_id")


def _as(rows: ir.Table, schema: pa.Schema) -> pa.Table:
    return rows.select(*schema.names).to_pyarrow().cast(schema)
