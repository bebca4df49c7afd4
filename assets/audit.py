"""What became of earlier nights: what stopping costs and what mailing is worth, told by chance, and how good the models proved
to be. How it is counted and judged is in ml/false_suppression.py and ml/performance.py.
"""

import dagster as dg
import ibis
import ibis.expr.types as ir

from assets.shown import picture, small_table, table_arguments
from ml import plots
from ml.audit_table import FALSE_SUPPRESSION
from ml.performance import ALL, PERFORMANCE
from ml.source_tables import SOURCE_TABLES
from resources.earlier_nights import audit_earlier_nights
from resources.performance import performance_of_earlier_nights
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


@dg.asset(**table_arguments(PERFORMANCE, {"duckdb"}), group_name="monitoring", deps=[t.name for t in SOURCE_TABLES])
def performance(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[ir.Table]:
    """How good the models of earlier nights proved to be, by version and label age, against what was promised."""
    found = performance_of_earlier_nights(platform, platform.night(context.partition_key))
    whole = found[(found.model_version == ALL) & (found.label_age == ALL)]
    metadata = {"in words": small_table(whole[["figure", "says"]])}
    aucs = found[(found.figure == "auc") & found.value.notna()]
    if len(aucs):
        named = aucs.assign(name="model " + aucs.model_version + ", " + aucs.label_age)
        metadata["AUC"] = picture(plots.spans(named, "AUC on matured labels", "AUC"), "AUC on matured labels")
    return dg.MaterializeResult(value=ibis.memtable(found, schema=PERFORMANCE.schema), metadata=metadata)
