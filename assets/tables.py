"""Which lake table each asset is: the IO manager and the documentation read this list."""

from ml.audit_table import FALSE_SUPPRESSION
from ml.backtest_tables import BACKTEST_TABLES
from ml.drift_tables import DRIFT
from ml.example_tables import EXAMPLE_TABLES
from ml.feature_dictionary import FEATURE_TABLES
from ml.lake_tables import LAKE_TABLES
from ml.performance import PERFORMANCE
from ml.shadow import SHADOW_SCORES
from ml.source_tables import SOURCE_TABLES
from ml.tables import Table

ASSET_TABLES: dict[str, Table] = {
    t.name: t
    for t in (
        *SOURCE_TABLES,
        *FEATURE_TABLES,
        *EXAMPLE_TABLES,
        *LAKE_TABLES,
        *BACKTEST_TABLES,
        DRIFT,
        FALSE_SUPPRESSION,
        PERFORMANCE,
        SHADOW_SCORES,
    )
}
