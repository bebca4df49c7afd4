"""What each family of features earns, what more of the past would, and what two stages do: the model of a replayed night
fitted again with less, as scorers beside it. The model's own parts are in backtest_parts.py.

Fits of a study have `BAGS` bags, so each is compared with the like that has everything, and not with the model.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from ml.backtest_parts import Columns
from ml.baselines import Tonight, ask_of, best_of
from ml.club import Club
from ml.ensemble import Ensemble, Values
from ml.errors import TooFewExamples
from ml.examples import ASK, offer_answers, offer_rows, offered
from ml.feature_dictionary import FEATURES
from ml.features import FeatureTables
from ml.fitting import fit_bags
from ml.inputs import Inputs, floats
from ml.training import Fitted, fit_model
from ml.training_config import TrainingConfig

BAGS, BLOCKS = 2, 2
SAMPLED = 0.1  # of the refused offers of the past, for the one model in place of two stages
SHARES = (0.25, 0.5, 0.75, 1.0)  # of the past's members that are learned from
STUDY, WITHOUT, ALONE, PAST = "study: ", "without: ", "alone: ", "past: "
EVERYTHING, ONE_STAGE, WHOLE_PAST = f"{STUDY}everything", f"{STUDY}one stage", f"{PAST}100 %"
Chosen = Callable[[str], bool]  # a column of a stage's matrix: is it used?
_FAMILY = {f.name: f.family for f in FEATURES}


def family_of(column: str) -> str:
    """The family of a column of a stage's matrix ("campaign_kind = Type A" is of campaign_kind's)."""
    return _FAMILY[column.split(" = ")[0]]


@dataclass(frozen=True)
class Study:
    """A night taken up again, with what it knew, what it fitted, and how.

    pairs  kind "choice" only: by chance, a share of the past asks' offers, and all that were answered; for one model in
           place of two stages. None = not studied
    """

    tonight: Tonight
    fitted: Fitted
    as_of: datetime
    config: TrainingConfig
    pairs: pa.Table | None = None

    def columns(self) -> tuple[Columns, Columns]:
        """(by mailing, by offer): relevance of tonight's rows by each fit. Families alone are told of mailings only."""
        at = ask_of(self.tonight.mailings, self.tonight.offers)
        mailings, offers = self._less(at)
        for name, fitted in self._shorter():
            mailing, offer = fitted.model.mailing, fitted.model.offer
            mailings[name], offers[name] = self._relevance(at, mailing, offer)
        if self.pairs is not None:
            with suppress(TooFewExamples):
                one = fit_model(self.tonight.past.mailings, self.pairs, self.as_of, self._few(self.config), "pair")
                mailings[ONE_STAGE], offers[ONE_STAGE] = self._relevance(at, None, one.model.offer)
        return mailings, offers

    def _less(self, at: NDArray[np.int64]) -> tuple[Columns, Columns]:
        """Everything; each family left out; and, of the mailing stage, each family alone."""
        model = self.fitted.model
        stages = [stage.inputs.columns for stage in (model.mailing, model.offer) if stage]
        families = sorted({family_of(column) for columns in stages for column in columns})
        chosen: dict[str, Chosen] = {EVERYTHING: lambda _: True}
        chosen |= {f"{WITHOUT}{family}": _all_but(family) for family in families}
        mailings, offers = {}, {}
        for name, use in chosen.items():
            mailing = self._again("mailing", use)
            offer = self._again("offer", use)
            if offer is not None and (mailing is not None or model.kind == "pair"):
                mailings[name], offers[name] = self._relevance(at, mailing, offer)
        for family in families if model.kind == "choice" else ():
            alone = self._again("mailing", _only(family))
            if alone is not None:
                mailings[f"{ALONE}{family}"] = alone.predict(self.tonight.mailings)[0]
        return mailings, offers

    def _shorter(self) -> Iterator[tuple[str, Fitted]]:
        """Whole fits, each on the past of a share of the members; left out where that is too little to train on."""
        past = self.tonight.past
        for share in SHARES:
            mailings, offers = (_members_share(rows, share) for rows in (past.mailings, past.offers))
            try:
                fitted = fit_model(mailings, offers, self.as_of, self._few(self.config), past.kind)
            except TooFewExamples:
                continue
            yield f"{PAST}{share * 100:.0f} %", fitted

    def _again(self, stage: str, use: Chosen) -> Ensemble | None:
        """A stage fitted on some of its columns, with as many trees; None where it has none of them."""
        model, past = self.fitted.model, self.tonight.past
        held = model.mailing if stage == "mailing" else model.offer
        if held is None:
            return None
        inputs = Inputs(
            tuple(name for name in held.inputs.amounts if use(name)),
            {name: values for name, values in held.inputs.vocabulary.items() if use(name)},
        )
        if not inputs.columns:
            return None
        rows = past.mailings if stage == "mailing" else past.offers
        members = np.asarray(rows["member_id"].to_pylist(), dtype=object)
        rounds = int(self.fitted.metrics["mailing_rounds" if stage == "mailing" else "offer_rounds"])
        few = self._few(self.config)
        fitted = fit_bags(inputs.matrix(rows), floats(rows["answered"]), members, inputs, rounds, few)
        return replace(fitted, linear_share=held.linear_share)

    def _relevance(self, at: NDArray[np.int64], mailing: Ensemble | None, offer: Ensemble) -> tuple[Values, Values]:
        """(of mailings, of offers) by two stages, or by one, of which the best offer speaks for the mailing."""
        chosen = offer.predict(self.tonight.offers)[0]
        if mailing is None:
            return best_of(at, chosen, self.tonight.mailings.num_rows), chosen
        whole = mailing.predict(self.tonight.mailings)[0]
        return whole, whole[at] * chosen

    @staticmethod
    def _few(config: TrainingConfig) -> TrainingConfig:
        return replace(config, bags=min(BAGS, config.bags), blocks=min(BLOCKS, config.blocks))


def sampled_pairs(club: Club, asks: ir.Table, tables: FeatureTables, kinds: tuple[str, ...]) -> pa.Table:
    """Offer rows, with what was answered, of the offers of past asks: all that were answered and by chance `SAMPLED` of all.
    Where few answer, that is nearly one in so many of the refused."""
    pairs = offer_answers(club, offered(club, asks), kinds)
    lot = (pairs.campaign_id + "|" + pairs.member_id + "|" + pairs.offer_id).hash().abs() % 1000
    rows = offer_rows(club, pairs.filter((pairs.answered > 0) | (lot < 1000 * SAMPLED)), tables).to_pyarrow()
    return rows.sort_by([(key, "ascending") for key in (*ASK, "offer_id")])


def compared_with(scorer: str) -> str | None:
    """The fit of a study that this one is to be compared with; None for the model, its parts and the baselines."""
    if scorer.startswith((WITHOUT, ALONE, STUDY)):
        return EVERYTHING
    return WHOLE_PAST if scorer.startswith(PAST) else None


def _all_but(family: str) -> Chosen:
    return lambda column: family_of(column) != family


def _only(family: str) -> Chosen:
    return lambda column: family_of(column) == family


def _members_share(rows: pa.Table, share: float) -> pa.Table:
    """The rows of a share of the members, drawn by their names: the larger share has all of the smaller."""
    place = pd.util.hash_array(np.asarray(rows["member_id"].to_pylist(), dtype=object)) / np.float64(2**64)
    return rows.filter(pa.array(place < share))
