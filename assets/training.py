"""Training examples, the challenger, and whether it becomes champion. Fitting is in ml/training.py, the gate in
ml/promotion.py, the registry in resources/registry.py.
"""

from collections.abc import Iterator

import dagster as dg
import ibis
import ibis.expr.types as ir

from assets.shown import OWNERS, lake_out, picture
from ml.consent import may_be_profiled
from ml.errors import DamagedModel, LeakSuspected, RegistryUnavailable, TooFewExamples
from ml.example_tables import EXAMPLE_TABLES, MAILING_EXAMPLES, OFFER_EXAMPLES
from ml.examples import of_fewer_members, training_asks, training_rows
from ml.source_tables import SOURCE_TABLES
from resources.platform import Platform
from resources.promoter import settle_champion
from resources.text_page import CARD, card_title, judge_page
from resources.trainer import train_challenger

_KINDS = {"mlflow", "xgboost"}


@dg.multi_asset(
    name="examples",
    group_name="training",
    outs={t.name: lake_out(t, {"duckdb"}) for t in EXAMPLE_TABLES},
    deps=[t.name for t in SOURCE_TABLES],
)
def examples(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> Iterator[dg.Output[ir.Table]]:
    """Every past mailing whose time to answer is over, of members who may be learned from; where those are more than the policy's
    `[training] most_mailings`, of a part of the members."""
    night = platform.night(context.partition_key)
    club = platform.club(night)
    asks = training_asks(club, night).semi_join(may_be_profiled(club, platform.policy), "member_id")
    asks, part = of_fewer_members(asks, platform.policy.training.most_mailings)
    rows = training_rows(club, night, asks=asks)
    notes = {"notes": {"kind": rows.kind, "members": part.name}}
    yield dg.Output(ibis.memtable(rows.mailings), output_name=MAILING_EXAMPLES.name, metadata=notes)
    yield dg.Output(ibis.memtable(rows.offers), output_name=OFFER_EXAMPLES.name)


@dg.asset(group_name="training", kinds=_KINDS, owners=OWNERS, deps=[t.name for t in EXAMPLE_TABLES])
def challenger(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> dg.MaterializeResult[None]:
    """A model trained on all that the night knows, in the registry as challenger; none where there is too little to learn
    from."""
    try:
        trained = train_challenger(platform, context.partition_key, context.run.run_id)
    except (TooFewExamples, LeakSuspected, DamagedModel, RegistryUnavailable) as why:
        context.log.warning("no model was trained, the night goes on without a new one: %s", why)
        return dg.MaterializeResult(metadata={"trained": False, "why": str(why)})
    return dg.MaterializeResult(
        metadata={
            "trained": True,
            "version": trained.version,
            "MLflow run": dg.MetadataValue.url(trained.url),
            "model card": dg.MetadataValue.md(trained.card),
            **{name: dg.MetadataValue.float(round(value, 4)) for name, value in trained.headline.items()},
            **{name: picture(png, name) for name, png in trained.plots.items()},
        }
    )


@dg.asset(group_name="training", kinds={"mlflow"}, owners=OWNERS, deps=[challenger])
def champion(context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]) -> dg.MaterializeResult[None]:
    """The challenger where it passes the promotion gate; else what was champion stays."""
    try:
        settled = settle_champion(platform, context.partition_key)
    except RegistryUnavailable as why:
        context.log.warning("the champion stays whichever it is, the night goes on: %s", why)
        return dg.MaterializeResult(metadata={"promoted": False, "why": str(why)})
    if settled.version:
        said = f"promoted: {settled.reason}" if settled.promoted else f"not promoted: {settled.reason}"
        folder = platform.settings.reports / context.partition_key
        judge_page(folder, CARD, card_title(settled.version), "pass" if settled.leads else "note", said)
    return dg.MaterializeResult(
        metadata={
            "promoted": settled.promoted,
            "champion": settled.leads,
            "version": settled.version or "none",
            "why": settled.reason,
            **{name: dg.MetadataValue.float(round(value, 4)) for name, value in settled.figures.items()},
        }
    )
