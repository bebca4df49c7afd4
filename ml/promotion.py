"""Whether a trained model may go live. Pure: figures in, decision with its reason out; the registry only carries it out."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from ml.evaluation import binary_metrics


@dataclass(frozen=True)
class Decision:
    """What was decided of a challenger, why in words, and the figures it was decided on."""

    promote: bool
    reason: str
    figures: Mapping[str, float]


def decide_promotion(auc: float, popularity: float, least_gain: float) -> Decision:
    """Promote when the challenger's AUC is above category popularity's by `least_gain`.

    Both are measured on the same mailings, later than all that the challenger's validation models were fitted on.

    >>> decide_promotion(0.82, 0.57, 0.02).reason
    'AUC 0.820 against 0.570 of category popularity on the same mailings: +0.250, needs +0.020'
    """
    ahead = auc - popularity
    return Decision(
        promote=ahead >= least_gain,
        reason=(
            f"AUC {auc:.3f} against {popularity:.3f} of category popularity on the same mailings: "
            f"{ahead:+.3f}, needs {least_gain:+.3f}"
        ),
        figures={"auc": auc, "popularity_auc": popularity, "ahead": ahead},
    )


def popularity_metrics(validation: pd.DataFrame, mailings: pd.DataFrame) -> dict[str, float]:
    """Figures of the simplest ranking on the validation rows: each mailing as relevant as its campaign's products are
    popular with the club.

    validation  as_of, campaign_id, member_id, answered
    mailings    the same keys with club_spend_share (share of the club's spend in 91 days on the campaign's products)
    """
    keys = ["as_of", "campaign_id", "member_id"]
    rows = validation.merge(mailings[[*keys, "club_spend_share"]], on=keys, how="left")
    score = rows.club_spend_share.fillna(0.0).to_numpy(dtype=float)
    return binary_metrics(rows.answered.to_numpy(dtype=float), score)
