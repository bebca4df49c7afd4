"""The published batch. The gate, the swap and the database are in resources/marts.py."""

import dagster as dg

from assets.shown import OWNERS
from ml.lake_tables import ASKS, OFFERS_TO_SEND, REASKS, SCORES, SUPPRESSIONS
from resources.handover import publish_night
from resources.platform import Platform


class PublishConfig(dg.Config):
    """How to treat a date that is published already, or that lies before the current one."""

    supersede: bool = False
    make_current: bool = False
    accept: str = ""  # why the batch may differ from the nights before


@dg.asset(
    group_name="publishing",
    kinds={"postgres"},
    owners=OWNERS,
    deps=[t.name for t in (ASKS, SCORES, OFFERS_TO_SEND, SUPPRESSIONS, REASKS)],
)
def published_batch(
    context: dg.AssetExecutionContext, config: PublishConfig, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[None]:
    """Tonight's offers and suppressions in the marts: one whole batch, or the one that stood before."""
    night = platform.night(context.partition_key)
    done = publish_night(platform, night, context.run.run_id, config.supersede, config.make_current, config.accept)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": done.offer_rows,
            "batch": done.batch_id,
            "state": done.state,
            "shown in the views": done.is_current,
            "why": done.reason,
            "suppressed": done.suppression_rows,
            "re-asked": done.reask_rows,
        }
    )
