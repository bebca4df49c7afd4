"""What each part of a model earns, and what the length of the past earns: a fitted model with a part of it left out, and a past
with its older campaigns left out. Nothing is measured here; the backtest scores these beside the model.
"""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from ml.examples import TrainingRows
from ml.model import RelevanceModel

TREES_ALONE, LINEAR_ALONE = "trees_alone", "linear_alone"


def parts(model: RelevanceModel) -> dict[str, RelevanceModel]:
    """The model's trees alone, and its linear partners alone (left out where a stage has none), as models of their own.

    Nothing is fitted anew; the threshold stays the whole model's and means nothing for a part.
    """
    stages = [stage for stage in (model.mailing, model.offer) if stage is not None]
    found = {TREES_ALONE: _weighted(model, 0.0)}
    if all(stage.linear for stage in stages):
        found[LINEAR_ALONE] = _weighted(model, 1.0)
    return found


def half_the_past(past: TrainingRows, share: float = 0.5) -> TrainingRows:
    """The newest `share` (over 0, to 1) of the days on which campaigns were sent, at least one: the examples of a club that
    began later. Raises ValueError where share is out of bounds."""
    if not 0 < share <= 1:
        raise ValueError(f"share must be over 0 and at most 1, is {share}")
    days = np.unique(past.mailings["as_of"].to_numpy())
    kept = days[-max(1, round(share * days.size)) :] if days.size else days

    def newest(rows: pa.Table) -> pa.Table:
        return rows.filter(pa.array(np.isin(rows["as_of"].to_numpy(), kept)))

    return TrainingRows(past.kind, newest(past.mailings), newest(past.offers))


def _weighted(model: RelevanceModel, linear_share: float) -> RelevanceModel:
    mailing = None if model.mailing is None else replace(model.mailing, linear_share=linear_share)
    return replace(model, mailing=mailing, offer=replace(model.offer, linear_share=linear_share))
