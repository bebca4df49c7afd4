"""Scores of tonight's questions. The model is in ml/model.py; which one may be used is the registry's to say."""

import dagster as dg
import ibis
import ibis.expr.types as ir

from assets.sharded import sharded
from assets.shown import table_arguments
from ml.feature_dictionary import FEATURE_TABLES
from ml.lake_tables import ASKS, QUARANTINE, SCORES
from ml.shadow import SHADOW_SCORES
from ml.source_tables import SOURCE_TABLES
from resources.night_shards import prepare_scores, sound_scores, write_scores
from resources.platform import Platform
from resources.shadow import beside_the_champion

# The champion's relevance of every active offer to every member of its audience who may be scored; where its numbers are not sound,
# those of the model before it, or of rules.
scores = sharded(
    SCORES, {"xgboost"}, "scoring", [*(t.name for t in (*SOURCE_TABLES, *FEATURE_TABLES, ASKS, QUARANTINE)), "champion"], prepare_scores, write_scores, sound_scores
)  # fmt: skip


@dg.asset(**table_arguments(SHADOW_SCORES, {"xgboost"}), group_name="scoring", deps=[SCORES.name])
def shadow_scores(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[ir.Table]:
    """What a model in its shadow nights would have said, beside the champion; without one, no row."""
    found = beside_the_champion(platform, platform.night(context.partition_key))
    words = found.says.iloc[0] if len(found) else "no model scores beside the champion"
    return dg.MaterializeResult(value=ibis.memtable(found, schema=SHADOW_SCORES.schema), metadata={"in words": words})
