"""The model taken apart: what each part of it would have said of the same rows, as scorers beside the whole. What each
family of features and each share of the past earns is in backtest_study.py.
"""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pyarrow as pa

from ml.baselines import ask_of, best_of
from ml.ensemble import Ensemble, Values, log_odds, probability
from ml.explanations import Told
from ml.inputs import Batch
from ml.model import RelevanceModel

PART = "part: "
TREES, LINEAR, ONE_BAG = f"{PART}trees alone", f"{PART}linear partners alone", f"{PART}one bag alone"
WHO, WHICH = f"{PART}who answers alone", f"{PART}which offer alone"
Columns = dict[str, Values]
Said = list[tuple[Values, Values]]  # batch by batch: probabilities (bags, rows) by the trees, and by the partners


@dataclass
class TakenApart:
    """The model as a scorer that remembers what its parts said. It explains nothing, as nobody asks it why."""

    model: RelevanceModel
    of_mailings: Said = field(default_factory=list)
    of_offers: Said = field(default_factory=list)

    @property
    def kind(self) -> Literal["choice", "pair"]:
        return self.model.kind

    def mailing_relevance(self, rows: Batch) -> tuple[Values, Values]:
        """See `RelevanceModel.mailing_relevance`."""
        if self.model.mailing is None:
            return self.model.mailing_relevance(rows)  # which says why there is none
        return _remembered(self.model.mailing, rows, self.of_mailings)

    def offer_relevance(self, rows: Batch) -> tuple[Values, Values]:
        """See `RelevanceModel.offer_relevance`."""
        return _remembered(self.model.offer, rows, self.of_offers)

    def explained(self, stage: Literal["mailing", "offer"], rows: Batch) -> Told:
        return Told.nothing(rows.num_rows)

    def columns(self, mailings: pa.Table, offers: pa.Table) -> tuple[Columns, Columns]:
        """(by mailing, by offer): the parts' relevance of the rows that were scored, in their order. Of a pair model, which
        has one stage, a mailing is as relevant to a part as its best offer is."""
        if not self.of_offers:
            return {}, {}
        at = ask_of(mailings, offers)
        chosen = _alone(self.model.offer, self.of_offers)
        if self.model.mailing is None:
            return {name: best_of(at, values, mailings.num_rows) for name, values in chosen.items()}, chosen
        whole = _alone(self.model.mailing, self.of_mailings)
        by_offer = {name: whole[name][at] * values for name, values in chosen.items() if name in whole}
        by_offer[WHO] = self.model.mailing.together(*_joined(self.of_mailings))[0][at]
        by_offer[WHICH] = self.model.offer.together(*_joined(self.of_offers))[0]
        return whole, by_offer


def _remembered(ensemble: Ensemble, rows: Batch, said: Said) -> tuple[Values, Values]:
    if rows.num_rows == 0:
        return np.zeros(0), np.zeros(0)
    said.append(ensemble.parts(ensemble.inputs.matrix(rows)))
    return ensemble.together(*said[-1])


def _joined(said: Said) -> tuple[Values, Values]:
    trees, linear = (np.concatenate([part[kind] for part in said], axis=1) for kind in (0, 1))
    return trees, linear


def _alone(ensemble: Ensemble, said: Said) -> Columns:
    """Each part's probability of the rows, as it would be without the others."""
    trees, linear = _joined(said)
    one, _ = ensemble.together(trees[:1], linear[:1])
    alone = {TREES: probability(log_odds(trees).mean(axis=0)), ONE_BAG: one}
    return alone | ({LINEAR: probability(log_odds(linear).mean(axis=0))} if ensemble.linear else {})
