"""What stopping costs and what mailing is worth, told by chance. How it is counted and judged is in ml/false_suppression.py."""

import dagster as dg
import ibis
import ibis.expr.types as ir

from assets.shown import small_table, table_arguments
from ml.audit_table import FALSE_SUPPRESSION
from ml.source_tables import SOURCE_TABLES
from resources.earlier_nights import audit_earlier_nights
from resources.platform import Platform


@dg.asset(
    **table_arguments(FALSE_SUPPRESSION, {"duckdb"}), group_name="monitoring", deps=[t.name for t in SOURCE_TABLES]
)
def false_suppression(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[ir.Table]:
    """How many of the stopped would have answered, and what mailing is worth, from the ledgers of earlier nights."""
    found = audit_earlier_nights(platform, platform.night(context.partition_key))
    return dg.MaterializeResult(
        value=ibis.memtable(found, schema=FALSE_SUPPRESSION.schema),
        metadata={"in words": small_table(found[["question", "says"]])},
    )
