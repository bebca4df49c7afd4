"""A search for better training parameters, as a job of its own. It proposes; the policy decides. The search is in ml/search.py."""

import dagster as dg
from pydantic import Field

from assets.shown import OWNERS, small_table
from ml.example_tables import EXAMPLE_TABLES
from ml.search import search
from resources.platform import Platform
from resources.trainer import examples_of, training_config


class SearchBounds(dg.Config):
    """How long the search may take."""

    trials: int = Field(default=20, ge=2, le=500, description="Most settings to try.")
    seconds: float = Field(default=1200.0, gt=0, description="No trial is begun after so many seconds.")


@dg.asset(group_name="search", kinds={"optuna", "xgboost"}, owners=OWNERS, deps=[t.name for t in EXAMPLE_TABLES])
def proposed_parameters(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform], config: SearchBounds
) -> dg.MaterializeResult[None]:
    """Training parameters that are better on later mailings than those of the policy, to be pasted into it; or none."""
    date = context.partition_key
    used = training_config(platform)
    mailings, offers, kind = examples_of(platform, date, used)
    found = search(
        mailings, offers, platform.night(date).as_of, used, kind,
        trials=config.trials, seconds=config.seconds, progress=context.log.info,
    )  # fmt: skip
    return dg.MaterializeResult(
        metadata={
            "in words": found.words,
            "for policy.toml": dg.MetadataValue.md(f"```toml\n{found.policy}```" if found.policy else "nothing"),
            "trials": small_table(found.trials),
        }
    )
