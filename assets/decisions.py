"""The ledger of decisions and what is published of it. The rules are in ml/rules_*.py, ranking in ml/arbitration.py."""

import dagster as dg
import ibis.expr.types as ir

from assets.sharded import sharded
from assets.shown import small_table, table_arguments
from ml.lake_tables import ASKS, CHANGES, DECISIONS, OFFERS_TO_SEND, QUARANTINE, REASKS, SCORES, SUPPRESSIONS
from ml.reach import wide_campaigns
from ml.reask import reask_list
from ml.source_tables import SOURCE_TABLES
from resources.decider import offers_of, suppressions_of
from resources.io_manager import Parts
from resources.last_night import changes_tonight
from resources.night_shards import prepare_decisions, write_decisions, write_lists
from resources.platform import Platform

_KINDS = {"duckdb"}
_SOURCES = [t.name for t in SOURCE_TABLES]


# Every member, offer and channel considered, with every rule that failed.
decisions = sharded(
    DECISIONS, _KINDS, "decisions", [*_SOURCES, ASKS.name, SCORES.name, QUARANTINE.name], prepare_decisions, write_decisions
)  # fmt: skip


@dg.asset_check(asset=DECISIONS.name, description="No campaign goes to more of the club than policy reach.warn_share.")
def no_campaign_goes_to_nearly_everybody(
    context: dg.AssetCheckExecutionContext, platform: dg.ResourceParam[Platform]
) -> dg.AssetCheckResult:
    """A warning, not a refusal: the marketer may have meant it. Service may reach all."""
    night = platform.night(context.op_execution_context.partition_key)
    decided = platform.lake.read(DECISIONS, night.key)
    wide = wide_campaigns(decided, platform.club(night), platform.policy).order_by("campaign_id").to_pandas()
    most = platform.policy.reach.warn_share
    named = ", ".join(f"{row.campaign_id} ({row.share:.1%})" for row in wide.itertuples())
    return dg.AssetCheckResult(
        passed=wide.empty,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"Campaigns that would reach more than {most:.0%} of the club: {named or 'none'}",
        metadata={"campaigns": small_table(wide)} if len(wide) else {},
    )


@dg.asset(**table_arguments(CHANGES, _KINDS), group_name="monitoring")
def changes_since_last_night(
    context: dg.AssetExecutionContext,
    platform: dg.ResourceParam[Platform],
    offers_to_send: ir.Table,
    suppressions: ir.Table,
) -> dg.Output[ir.Table]:
    """Who is newly stopped or newly reached, and why; nobody on a club's first night."""
    rows, compared = changes_tonight(platform, context.partition_key, offers_to_send, suppressions)
    return dg.Output(rows, metadata={"notes": {"compared_with": compared}})


@dg.asset(**table_arguments(OFFERS_TO_SEND, _KINDS), group_name="decisions", deps=[*_SOURCES, DECISIONS.name])
def offers_to_send(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> Parts:
    """Tonight's offers, a row a member and slot."""
    night = platform.night(context.partition_key)
    return Parts(write_lists(platform, night, OFFERS_TO_SEND, lambda shard: offers_of(platform, night, shard)))


@dg.asset(**table_arguments(SUPPRESSIONS, _KINDS), group_name="decisions", deps=[ASKS.name, DECISIONS.name])
def suppressions(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> Parts:
    """Tonight's audience that gets no offer of its campaign, each member with the reason."""
    night = platform.night(context.partition_key)
    return Parts(write_lists(platform, night, SUPPRESSIONS, lambda shard: suppressions_of(platform, night, shard)))


@dg.asset(**table_arguments(REASKS, _KINDS), group_name="decisions", deps=_SOURCES)
def reasks(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> ir.Table:
    """Declared facts that have grown too old to be used."""
    night = platform.night(context.partition_key)
    return reask_list(platform.club(night), night, platform.policy)
