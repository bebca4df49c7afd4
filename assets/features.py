"""Tonight's questions and the features they are answered from, a lake table a grain. How a feature is computed is in
ml/features_*.py.
"""

from collections.abc import Iterator

import dagster as dg
import ibis.expr.types as ir

from assets.shown import lake_out, table_arguments
from ml.examples import night_asks
from ml.feature_dictionary import FEATURE_TABLES
from ml.features import feature_tables
from ml.lake_tables import ASKS
from ml.source_tables import SOURCE_TABLES
from resources.platform import Platform


@dg.asset(**table_arguments(ASKS, {"duckdb"}), group_name="features", deps=[t.name for t in SOURCE_TABLES])
def asks(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> ir.Table:
    """Running campaigns x their audience."""
    night = platform.night(context.partition_key)
    return night_asks(platform.club(night), night).select(*ASKS.names)


@dg.multi_asset(
    name="features",
    group_name="features",
    outs={t.name: lake_out(t, {"duckdb"}) for t in FEATURE_TABLES},
    deps=[t.name for t in SOURCE_TABLES],
)
def features(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform], asks: ir.Table
) -> Iterator[dg.Output[ir.Table]]:
    """Every feature of tonight's questions, from what happened strictly before the business date."""
    night = platform.night(context.partition_key)
    keys = {t.name: t.key for t in FEATURE_TABLES}
    for name, table in feature_tables(platform.club(night), asks).tables().items():
        rows = table.drop("as_of").order_by(
            keys[name]
        )  # the business date says it; in order, so the bytes are the same
        yield dg.Output(rows, output_name=name)
