"""What stands in for the model where there is none: relevance as smoothed rates of the club's own history, from feature
columns alone. Nothing is fitted, so it is there on a club's first night.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ml.ensemble import Values
from ml.explanations import Told
from ml.inputs import Batch, floats


@dataclass(frozen=True)
class RulesModel:
    """Relevance by rules: the member's shrunk answer rate, raised by how much of the campaign the member buys; among the
    offers, the share of the member's purchases and the offer's popularity with the club. Its threshold is unknown.

    base  answer rate of members of whom nothing is known
    """

    base: float = 0.05
    kind: Literal["choice", "pair"] = "choice"

    @property
    def threshold(self) -> None:
        return None

    def mailing_relevance(self, rows: Batch) -> tuple[Values, Values]:
        """(smoothed rate, half of it as its lower bound) from answer_rate and campaign_offers_known_91."""
        rate = np.nan_to_num(floats(rows["answer_rate"]), nan=self.base)
        known = np.nan_to_num(floats(rows["campaign_offers_known_91"]))
        relevance = np.clip((rate + self.base) / 2 * (0.5 + 2 * known), 0.0, 1.0)
        return relevance, relevance / 2

    def offer_relevance(self, rows: Batch) -> tuple[Values, Values]:
        """(share, half of it) from the offer's shares in the member's purchases and in past answers, and from how many
        baskets had its category: a habit of many baskets counts, a single dear impulse next to nothing."""
        bought = np.nan_to_num(floats(rows["product_decayed_share"]))
        alike = np.nan_to_num(floats(rows["line_decayed_share"]))
        popular = np.nan_to_num(floats(rows["popularity_share"]))
        offers = np.maximum(np.nan_to_num(floats(rows["offers"]), nan=1.0), 1.0)
        baskets = np.nan_to_num(floats(rows["category_baskets"]))
        habit = baskets / (baskets + 4)
        chosen = np.clip(0.45 * bought + 0.25 * alike + 0.15 * habit + 0.1 * popular + 0.05 / offers, 0.0, 1.0)
        return chosen, chosen / 2

    def explained(self, stage: Literal["mailing", "offer"], rows: Batch) -> Told:
        """Nothing: rules were not learned, so no family of features moved them."""
        return Told.nothing(rows.num_rows)
