"""How fast a model ages: the mailings of late campaigns, with tonight's features, scored by models that stopped learning so many
days before. Rows and plan in, scores and figures out; the command is in hemsil/staleness.py.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ml.ensemble import Values
from ml.errors import TooFewExamples
from ml.evaluation import Ranked, intervals, member_draws
from ml.examples import TrainingRows
from ml.inputs import floats
from ml.training import fit_model
from ml.training_config import TrainingConfig

AGES = (0, 7, 14, 28, 56)
DRAWS = 400
SHOWN = ("auc", "pr_auc", "log_loss", "ece")


def aged_scores(
    rows: TrainingRows, first: datetime, config: TrainingConfig, ages: Sequence[int], progress: Callable[[str], None]
) -> pd.DataFrame:
    """age_days, as_of, campaign_id, member_id, answered, relevance, kept: a row for each age and each mailing asked from
    `first` on, scored by a model that had learned only from what was over `age` days before it was asked.

    Only moments for which every age has enough to learn from are in it, so that all ages are of the same mailings. Where mailings
    name their offer (kind "pair"), the offer is what is scored.
    """
    scored_rows = rows.mailings if rows.kind == "choice" else rows.offers
    asked = scored_rows["as_of"].to_numpy()
    parts = []
    for moment in np.unique(asked[asked >= np.datetime64(first)]):
        tonight = scored_rows.filter(pc.equal(scored_rows["as_of"], pa.scalar(moment)))
        try:
            scored = [_scored(rows, moment, age, tonight, config) for age in ages]
        except TooFewExamples:
            progress(f"{str(moment)[:10]}: too little to learn from, left out")
            continue
        parts += scored
        progress(f"{str(moment)[:10]}: {tonight.num_rows:,} mailings")
    if not parts:
        raise TooFewExamples(f"no mailings from {first:%Y-%m-%d} on have enough before them to learn from")
    return pd.concat(parts, ignore_index=True)


def staleness(scores: pd.DataFrame, seed: int) -> pd.DataFrame:
    """age_days, metric, value, low, high of each age, and as metric "auc_lost" how much less its AUC is than that of the
    youngest on the same mailings (paired)."""
    keys = ["as_of", "campaign_id", "member_id"]
    by_age = {
        int(age): scores[scores.age_days == age].sort_values(keys, kind="stable")
        for age in sorted(scores.age_days.unique())
    }
    young = by_age[min(by_age)]
    draws = member_draws(young.member_id.to_numpy(), DRAWS, seed)
    ranked = {age: _ranked(part) for age, part in by_age.items()}
    found = []
    for age, held in ranked.items():

        def measure(weight: Values | None, held: Ranked = held) -> dict[str, float]:
            figures = held.figures(weight)
            lost = ranked[min(ranked)].figures(weight)["auc"] - figures["auc"]
            return {name: figures[name] for name in SHOWN} | {"auc_lost": lost}

        found += [{"age_days": age, "metric": name, **vars(it)} for name, it in intervals(measure, draws).items()]
        kept = by_age[age][by_age[age].answered > 0].kept.mean()
        found.append({"age_days": age, "metric": "kept", "value": kept, "low": None, "high": None})
    return pd.DataFrame(found, columns=["age_days", "metric", "value", "low", "high"])


def _scored(
    rows: TrainingRows, moment: np.datetime64, age: int, tonight: pa.Table, config: TrainingConfig
) -> pd.DataFrame:
    over = pa.scalar(moment - np.timedelta64(age, "D"))
    past = [table.filter(pc.less_equal(table["closes_at"], over)) for table in (rows.mailings, rows.offers)]
    fitted = fit_model(past[0], past[1], pd.Timestamp(over.as_py()).to_pydatetime(), config, rows.kind)
    model = fitted.model
    relevance = (model.mailing_relevance if rows.kind == "choice" else model.offer_relevance)(tonight)[0]
    keys = tonight.select(["as_of", "campaign_id", "member_id"]).to_pandas()
    return keys.assign(
        age_days=age,
        answered=floats(tonight["answered"]),
        relevance=relevance,
        kept=relevance >= fitted.model.threshold,
    )


def _ranked(part: pd.DataFrame) -> Ranked:
    return Ranked.of(part.answered.to_numpy(dtype=float), part.relevance.to_numpy(dtype=float))
