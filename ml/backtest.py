"""Past nights replayed: for each campaign, the model that its first night would have had, trained on what that night
knew, and what it would have said. The night's own functions do it all; what happened is joined afterwards.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ml.baseline_als import als_scores
from ml.baselines import BASELINES, Tonight, across_members
from ml.club import Club, visible
from ml.consent import may_be_profiled
from ml.ensemble import Values
from ml.errors import TooFewExamples
from ml.examples import (
    ANSWERS,
    TrainingRows,
    answers,
    mailing_rows,
    night_asks,
    offer_answers,
    offer_rows,
    offered,
    offers_sent,
    training_asks,
    training_rows,
)
from ml.features import feature_tables
from ml.inputs import floats
from ml.kept import keep
from ml.night import Night
from ml.policy import Policy
from ml.scoring import score
from ml.training import Fitted, TrainingConfig, fit_model

MODEL = "model"
KEYS = ["as_of", "campaign_id", "member_id"]
Stage = Callable[
    [str], AbstractContextManager[object]
]  # wraps a stage of the work, to have its time and memory measured


def unmeasured(_: str) -> AbstractContextManager[object]:
    """A stage whose time nobody asks for."""
    return nullcontext()


@dataclass(frozen=True)
class Replay:
    """One night replayed.

    mailings   as_of, campaign_id, member_id, answered, and a score by each scorer (column named as it)
    offers     the same with offer_id, a row a pair; scores comparable across members
    threshold  the model's, fixed before the night
    """

    night: Night
    fitted: Fitted
    mailings: pd.DataFrame
    offers: pd.DataFrame

    @property
    def threshold(self) -> float:
        return self.fitted.model.threshold


def campaigns_to_replay(club: Club, first: date, last: date, campaigns: Sequence[str] = ()) -> dict[date, list[str]]:
    """Campaigns by their first day, in order: those that start from `first` to `last`, or of these the named ones."""
    plan = club.campaigns.select("campaign_id", "starts_on").to_pandas()
    days: dict[date, list[str]] = {}
    for campaign, day in sorted(zip(plan.campaign_id, plan.starts_on, strict=True), key=lambda row: (row[1], row[0])):
        start = pd.Timestamp(day).date()
        if first <= start <= last and (not campaigns or campaign in campaigns):
            days.setdefault(start, []).append(campaign)
    return days


def replay(
    club: Club,
    timezone: str,
    plan: dict[date, list[str]],
    config: TrainingConfig,
    policy: Policy,
    kinds: tuple[str, ...] = ANSWERS,
    progress: Callable[[str], None] = lambda _: None,
    stage: Stage = unmeasured,
) -> Iterator[Replay]:
    """Replay the first night of each campaign of `plan`, oldest first; a night before which there was too
    little to train on is left out, and progress hears of it. As in the night, members who may not be profiled are neither
    trained on nor scored.

    The examples of all nights are made once, as the last night saw them; each night then takes those whose time to
    answer was over before it. That they are the rows the night itself would have made is what point in time means, and
    tests/test_point_in_time.py holds it.
    """
    last = Night(max(plan), timezone)
    progress(f"examples known by {last.key}")
    with stage("examples"):
        known = visible(club, last)
        asks = training_asks(known, last).semi_join(may_be_profiled(known, policy), "member_id")
        past = training_rows(known, last, kinds, asks)
    for day, campaigns in plan.items():
        progress(f"night {day.isoformat()}: campaign {', '.join(campaigns)}")
        night = Night(day, timezone)
        try:
            yield replay_night(club, night, campaigns, _known_by(past, night), config, policy, kinds, stage)
        except TooFewExamples as few:
            progress(f"night {day.isoformat()} is left out: {few}")


def replay_night(
    club: Club, night: Night, campaigns: list[str], past: TrainingRows, config: TrainingConfig, policy: Policy,
    kinds: tuple[str, ...] = ANSWERS, stage: Stage = unmeasured,
) -> Replay:  # fmt: skip
    """Train on `past`, score the campaigns as the night would, then look up what happened."""
    seen = visible(club, night)
    with stage("training"):
        fitted = fit_model(past.mailings, past.offers, night.as_of, config, past.kind)
    with stage("features"):
        asks = night_asks(seen, night)
        asks = asks.filter(asks.campaign_id.isin(campaigns)).semi_join(may_be_profiled(seen, policy), "member_id")
        asks = keep(asks)
        tables = feature_tables(seen, asks, kinds)
        pairs = offered(seen, asks) if past.kind == "choice" else _sent_later(club, asks)
        mailings = mailing_rows(seen, asks, tables).order_by(KEYS).to_pyarrow()
        offers = offer_rows(seen, pairs, tables).order_by([*KEYS, "offer_id"]).to_pyarrow()
    with stage("scoring"):
        scores = pa.Table.from_batches(score(fitted.model, mailings.to_batches(), offers.to_batches(), MODEL))
    by_mailing, by_offer = _model_scores(mailings, scores)
    columns, offer_columns = {MODEL: by_mailing}, {MODEL: by_offer}
    tonight = Tonight(past, mailings, offers, config.seed)
    with stage("baselines"):
        for baseline in BASELINES:
            columns[baseline.name], within = baseline.score(tonight)
            offer_columns[baseline.name] = across_members(mailings, offers, columns[baseline.name], within)
    with stage("baseline als"):
        columns["als"], within = als_scores(seen, tonight)
        offer_columns["als"] = across_members(mailings, offers, columns["als"], within)
    with stage("answers"):
        happened = _ids(answers(club, asks, kinds), [*KEYS, "answered"])
        happened_offers = _ids(offer_answers(club, pairs, kinds), [*KEYS, "offer_id", "answered"])
    return Replay(
        night=night,
        fitted=fitted,
        mailings=_labelled(mailings, happened, KEYS, columns),
        offers=_labelled(offers, happened_offers, [*KEYS, "offer_id"], offer_columns),
    )


def _sent_later(club: Club, asks: ir.Table) -> ir.Table:
    """Where each mailing names its offer, only the offers that were then sent can be judged."""
    return offers_sent(club, asks)


def _known_by(past: TrainingRows, night: Night) -> TrainingRows:
    """Examples whose time to answer was over by the night."""
    instant = pa.scalar(night.as_of, pa.timestamp("us"))

    def closed(rows: pa.Table) -> pa.Table:
        return rows.filter(pc.less_equal(rows["closes_at"].cast(pa.timestamp("us")), instant))

    return TrainingRows(past.kind, closed(past.mailings), closed(past.offers))


def _model_scores(mailings: pa.Table, scores: pa.Table) -> tuple[Values, Values]:
    """The model's mailing scores in the order of `mailings` (0 for an ask without an offer), and its offer scores."""
    whole = scores.select(["campaign_id", "member_id", "mailing_relevance"]).to_pandas()
    whole = whole.drop_duplicates(["campaign_id", "member_id"])
    asks = mailings.select(["campaign_id", "member_id"]).to_pandas().merge(whole, how="left")
    return asks.mailing_relevance.fillna(0).to_numpy(dtype=float), floats(scores["relevance"])


def _ids(rows: ir.Table, columns: list[str]) -> pd.DataFrame:
    return rows.select(*columns).to_pandas()


def _labelled(rows: pa.Table, happened: pd.DataFrame, keys: list[str], scores: dict[str, Values]) -> pd.DataFrame:
    frame = rows.select(keys).to_pandas().merge(happened, on=keys, how="left", validate="one_to_one")
    return frame.assign(**{name: np.asarray(values, dtype=np.float32) for name, values in scores.items()})
