"""What an ML engineer looks at beside a lake table once it is written: how scores are spread, what stopped messages, what is
missing in features. The IO manager asks for it by the table's name.
"""

from collections.abc import Callable, Mapping

import dagster as dg
import ibis.expr.types as ir
import pandas as pd

from assets.shown import picture, small_table
from ml import plots
from ml.feature_dictionary import FEATURE_TABLES
from ml.lake_tables import CHANGES, DECISIONS, QUARANTINE, SCORES

Pictures = Callable[[ir.Table], dict[str, dg.MetadataValue]]
MOST_ROWS = 100_000  # a plot of more shows nothing more


def missing_values(table: ir.Table) -> dict[str, dg.MetadataValue]:
    """Share of missing values of each feature."""
    features = [name for name in table.columns if not name.endswith("_id")]
    shares = table.aggregate(**{name: table[name].isnull().mean() for name in features}).to_pandas()
    missing = shares.iloc[0].astype(float).fillna(0.0)
    return {"missing values": picture(plots.bars(missing, "Missing values", "share of rows"), "missing values")}


def score_histogram(table: ir.Table) -> dict[str, dg.MetadataValue]:
    """How the relevance of mailings and of offers is spread."""
    held = table.select("relevance", "mailing_relevance").limit(MOST_ROWS).to_pandas()
    return {
        f"{name} of the night": picture(plots.histogram(held[column], f"Relevance of {name}", "probability"), name)
        for name, column in (("mailings", "mailing_relevance"), ("offers", "relevance"))
    }


def reasons(table: ir.Table) -> dict[str, dg.MetadataValue]:
    """Pairs by verdict and reason."""
    counts = table.group_by("verdict", "reason").aggregate(pairs=table.count()).to_pandas()
    by_reason = pd.Series(counts.pairs.to_numpy(), index=counts.reason.fillna("sent").to_numpy())
    return {"pairs by reason": picture(plots.bars(by_reason, "Pairs by reason shown", "pairs"), "pairs by reason")}


def broken_rules(table: ir.Table) -> dict[str, dg.MetadataValue]:
    """Quarantined rows by table and rule."""
    counts = table.group_by("table_name", "rule").aggregate(rows=table.count()).to_pandas()
    return {"rules broken": small_table(counts.sort_values("rows", ascending=False))} if len(counts) else {}


def changed(table: ir.Table) -> dict[str, dg.MetadataValue]:
    """Members by change and reason."""
    counts = table.group_by("change", "reason").aggregate(members=table.count()).to_pandas()
    return {"changes": small_table(counts.sort_values(["change", "members"]))} if len(counts) else {}


PICTURES: Mapping[str, Pictures] = {
    **{t.name: missing_values for t in FEATURE_TABLES},
    SCORES.name: score_histogram,
    DECISIONS.name: reasons,
    CHANGES.name: changed,
    QUARANTINE.name: broken_rules,
}
