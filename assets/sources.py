"""The club's tables as the night sees them, and the rows that could not be used. One step reads and checks them all,
as rows of one table refer to rows of others. Reading a kind of source belongs in resources/sources.
"""

from collections.abc import Iterator

import dagster as dg

from assets.shown import lake_out
from ml.club import Club, visible
from ml.consent import refuse_without_consents
from ml.errors import ContractError
from ml.gone_names import gone_ids, gone_names
from ml.lake_tables import QUARANTINE
from ml.quality import check_tables, too_many
from ml.source_tables import CONSENTS, FEEDBACK, SOURCE_TABLES
from resources.daytime import of_strangers
from resources.decider import HEARD_UNTIL, consents_heard_until
from resources.home import check_space
from resources.night_shards import shards_for
from resources.platform import SHARDS, Platform
from resources.restored import settle_ledger


@dg.multi_asset(
    name="source_tables",
    group_name="sources",
    outs={t.name: lake_out(t, kinds={"duckdb", "parquet"}) for t in (*SOURCE_TABLES, QUARANTINE)},
)
def source_tables(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.Output[object]]:
    """Read the club's tables, quarantine the rows that break the contract, and keep what the business date may know."""
    check_space(platform.settings)
    platform.marts.begin_run(context.run.run_id)
    settle_ledger(platform)
    delivered = platform.source.delivered()
    checked = check_tables(platform.tables(), platform.now(), platform.source.origins())
    refuse_without_consents(checked.clean, platform.policy)
    strangers = of_strangers(checked.quarantined, platform.marts.engine)
    at_fault = {name: (rows, bad - strangers.get(name, 0)) for name, (rows, bad) in checked.counts.items()}
    refusals = too_many(at_fault, platform.policy.quality.max_quarantined_share)
    if refusals:
        raise ContractError("; ".join(refusals))
    night = platform.night(context.partition_key)
    club = Club.of(checked.clean)
    known = visible(club, night)
    heard = consents_heard_until(platform, night, delivered, club)
    shards = shards_for(platform, known)
    gone = ", ".join(gone_names(known))
    if gone:
        context.log.warning("members said no to what no product is called any more, which stops nothing: %s", gone)
    unknown = ", ".join(f"{scope}: {words}" for scope, words in gone_ids(known, club).items())
    if unknown:
        context.log.warning('feedback, unknown:scope_id: "not for me" of ids that the club does not have: %s', unknown)
    for definition in SOURCE_TABLES:
        name = definition.name
        notes = {SHARDS: str(shards), "recorded": "yes" if name in known.recorded else "no", **checked.notes(name)}
        if heard and definition is CONSENTS:
            notes[HEARD_UNTIL] = heard.isoformat()
        if gone and definition is FEEDBACK:
            notes["refused_names_no_product_has"] = gone
        if unknown and definition is FEEDBACK:
            notes["refused_ids_not_there"] = unknown
        yield dg.Output(getattr(known, name), output_name=name, metadata={"notes": notes})
    yield dg.Output(checked.quarantined, output_name=QUARANTINE.name)
