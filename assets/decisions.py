"""The ledger of decisions and what is published of it. The rules are in ml/rules_*.py, ranking in ml/arbitration.py."""

import dagster as dg
import ibis.expr.types as ir

from assets.shown import table_arguments
from ml.decide import decide
from ml.decision_lists import offer_table, suppression_list
from ml.lake_tables import DECISIONS, OFFERS_TO_SEND, REASKS, SCORES, SUPPRESSIONS
from ml.quarantine import doubts
from ml.reask import reask_list
from ml.source_tables import SOURCE_TABLES
from resources.platform import Platform

_KINDS = {"duckdb"}
_SOURCES = [t.name for t in SOURCE_TABLES]


@dg.asset(**table_arguments(DECISIONS, _KINDS), group_name="decisions", deps=_SOURCES)
def decisions(
    context: dg.AssetExecutionContext,
    platform: dg.ResourceParam[Platform],
    asks: ir.Table,
    scores: ir.Table,
    quarantine: ir.Table,
) -> ir.Table:
    """Every member, offer and channel considered, with every rule that failed."""
    night = platform.night(context.partition_key)
    notes = platform.lake.manifest(SCORES.name, night.key).notes
    return decide(
        platform.club(night),
        night,
        scores,
        platform.policy,
        threshold=float(notes["threshold"]) if notes["threshold"] else None,
        asks=asks,
        model_version=notes["model_version"],
        doubts=doubts(quarantine),
    )


@dg.asset(**table_arguments(OFFERS_TO_SEND, _KINDS), group_name="decisions", deps=_SOURCES)
def offers_to_send(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform], decisions: ir.Table
) -> ir.Table:
    """Tonight's offers, a row a member and slot."""
    night = platform.night(context.partition_key)
    # In the order of the published key: publishing is twice as fast so.
    return offer_table(decisions, platform.club(night), night).order_by([*OFFERS_TO_SEND.key])


@dg.asset(**table_arguments(SUPPRESSIONS, _KINDS), group_name="decisions")
def suppressions(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform], decisions: ir.Table, asks: ir.Table
) -> ir.Table:
    """Tonight's audience that gets no offer of its campaign, each member with the reason."""
    version = platform.lake.manifest(SCORES.name, context.partition_key).notes["model_version"]
    audience = asks.select("campaign_id", "member_id")
    return suppression_list(decisions, audience, platform.policy, version).order_by([*SUPPRESSIONS.key])


@dg.asset(**table_arguments(REASKS, _KINDS), group_name="decisions", deps=_SOURCES)
def reasks(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> ir.Table:
    """Declared facts that have grown too old to be used."""
    night = platform.night(context.partition_key)
    return reask_list(platform.club(night), night, platform.policy)
