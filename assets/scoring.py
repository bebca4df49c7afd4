"""Scores of tonight's questions. The model is in ml/model.py; which one may be used is the registry's to say."""

import dagster as dg
import pyarrow as pa

from assets.shown import table_arguments
from ml.feature_dictionary import FEATURE_TABLES
from ml.lake_tables import ASKS, SCORES
from ml.source_tables import SOURCE_TABLES
from resources.platform import Platform
from resources.scorer import choose_scorer, score_night


@dg.asset(
    **table_arguments(SCORES, {"xgboost"}),
    group_name="scoring",
    deps=[*(t.name for t in (*SOURCE_TABLES, *FEATURE_TABLES, ASKS)), "champion"],
)
def scores(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> dg.Output[pa.RecordBatchReader]:
    """The champion's relevance of every active offer to every member of its audience who may be scored."""
    night = platform.night(context.partition_key)
    chosen = choose_scorer(platform, night)
    notes = {"model_version": chosen.version, "fallback_step": chosen.step, "threshold": chosen.threshold_note}
    return dg.Output(score_night(platform, night, chosen), metadata={"notes": notes, "why": chosen.reason})
