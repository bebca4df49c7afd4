"""Tonight's questions and the features they are answered from, a lake table a grain. How a feature is computed is in
ml/features_*.py.
"""

import dagster as dg
import ibis.expr.types as ir

from assets.sharded import sharded_together
from assets.shown import table_arguments
from ml.examples import night_asks
from ml.feature_dictionary import FEATURE_TABLES
from ml.lake_tables import ASKS
from ml.source_tables import SOURCE_TABLES
from resources.night_shards import parts_of_features, prepare_features, write_features
from resources.platform import SHARDS, Platform

_SOURCES = [t.name for t in SOURCE_TABLES]


@dg.asset(**table_arguments(ASKS, {"duckdb"}), group_name="features", deps=_SOURCES)
def asks(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> dg.Output[ir.Table]:
    """Running campaigns x their audience."""
    night = platform.night(context.partition_key)
    rows = night_asks(platform.club(night), night).select(*ASKS.names)
    return dg.Output(rows, metadata={"notes": {SHARDS: str(platform.shards(night))}})


# Every feature of tonight's questions, from what happened strictly before the business date.
features = sharded_together(
    "features", FEATURE_TABLES, {"duckdb"}, "features", [ASKS.name, *_SOURCES], prepare_features, write_features, parts_of_features
)  # fmt: skip
