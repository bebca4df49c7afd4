"""The jobs: which assets run together. Each is for one business date, or a range of them as a backfill. How their
steps are run is said in definitions.py."""

from typing import Any

import dagster as dg

_NIGHT = ("sources", "features", "training", "scoring", "decisions", "publishing", "monitoring")


def _job(name: str, groups: tuple[str, ...], description: str) -> Any:
    return dg.define_asset_job(name, selection=dg.AssetSelection.groups(*groups), description=description)


JOBS = (
    _job("nightly", _NIGHT, "A whole night: read, build features, train, score, decide, publish, watch drift."),
    _job("retrain", ("training",), "Train a challenger on the date's source tables, and promote it if it is better."),
    _job(
        "score",
        ("features", "scoring", "decisions"),
        "Features, scores and decisions of a date whose source tables are there.",
    ),
    _job(
        "decide_again",
        ("scoring", "decisions", "publishing"),
        "Scores, decisions and lists of a date whose features are there, by the model that is champion now.",
    ),
    _job("publish", ("publishing",), "Publish a date's decisions. A date that is published already stays as it is."),
    _job(
        "search",
        ("search",),
        "Look for better training parameters on a date's examples; the result is proposed, not taken.",
    ),
    _job("backtest", ("backtest",), "Replay the past campaigns known at a date and measure what would have happened."),
)
