"""Past nights replayed: for each campaign, the model that its first night would have had, trained on what that night
knew, and what it would have said. The night's own functions do it all; what happened is joined afterwards.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ml.backtest_parts import Columns, TakenApart
from ml.backtest_study import Study, sampled_pairs
from ml.baseline_als import als_scores
from ml.baselines import ALS, BASELINES, Tonight, across_members, ask_of, best_of
from ml.club import Club, visible
from ml.consent import may_be_profiled
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
from ml.features import FeatureTables, feature_tables
from ml.inputs import floats
from ml.kept import keep
from ml.night import Night
from ml.policy import Policy
from ml.scoring import SCORED, score
from ml.training import Fitted, TrainingConfig, fit_model

MODEL, LOW = "model", "relevance_low"
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

    mailings   as_of, campaign_id, member_id, answered, relevance_low (the lower bound of the model's score), and a score by
               each scorer (column named as it): the model, its parts, and the baselines
    offers     the same with offer_id and without relevance_low, a row a pair; scores comparable across members
    threshold  the model's, fixed before the night
    """

    night: Night
    fitted: Fitted
    mailings: pd.DataFrame
    offers: pd.DataFrame

    @property
    def threshold(self) -> float:
        return self.fitted.model.threshold

    def beside(self, mailings: Columns, offers: Columns) -> "Replay":
        """The same with further scorers, whose scores are in the order of the rows."""
        return replace(self, mailings=_with(self.mailings, mailings), offers=_with(self.offers, offers))


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
    studied: Collection[str] = (),
) -> Iterator[Replay]:
    """Replay the first night of each campaign of `plan`, oldest first; a night before which there was too
    little to train on is left out, and progress hears of it. Raises TooFewExamples, with the last reason, where all are. As in the night, members who may not be profiled are neither
    trained on nor scored.

    Features of all nights and examples are made at once, as the last night saw them; each night then takes the examples
    whose time to answer was over before it. That they are the rows the night itself would have made is what point in
    time means, and tests/test_point_in_time.py holds it. The nights of campaigns that are `studied` are taken up again
    with less, see backtest_study.py: that costs several times the rest.
    """
    last = Night(max(plan), timezone)
    nights = {Night(day, timezone): campaigns for day, campaigns in plan.items()}
    progress(f"features and examples known by {last.key}")
    known = visible(club, last)
    with stage("features"):
        examples = keep(training_asks(known, last).semi_join(may_be_profiled(known, policy), "member_id"))
        asks = {night: keep(asks_of(club, night, campaigns, policy)) for night, campaigns in nights.items()}
        every = [table.select(*KEYS) for table in (examples, *asks.values())]
        tables = feature_tables(known, keep(ibis.union(*every, distinct=True)), kinds).kept()
    with stage("examples"):
        past = training_rows(known, last, kinds, examples, tables)
    pairs, why, replayed = None, "", False
    if studied and past.kind == "choice":
        with stage("study"):
            pairs = sampled_pairs(known, examples, tables, kinds)
    for night in nights:
        progress(f"night {night.key}: campaign {', '.join(nights[night])}")
        try:
            known_then = TrainingRows(past.kind, _closed(past.mailings, night), _closed(past.offers, night))
            done, tonight = replay_night(club, night, asks[night], tables, known_then, config, kinds, stage)
            if not set(nights[night]).isdisjoint(studied):
                progress(f"night {night.key}: with less")
                with stage("study"):
                    sampled = None if pairs is None else _closed(pairs, night)
                    less = Study(tonight, done.fitted, night.as_of, config, sampled)
                    done = done.beside(*less.columns())
            yield done
            replayed = True
        except TooFewExamples as few:
            why = f"night {night.key} is left out: {few}"
            progress(why)
    if not replayed:
        raise TooFewExamples(f"before none of these campaigns was there enough to train on; {why}")


def asks_of(club: Club, night: Night, campaigns: list[str], policy: Policy) -> ir.Table:
    """The night's asks of these campaigns, but for members who may not be profiled, as the night saw all three; of these
    whoever was then sent something, as others could not answer, and that they did not says nothing."""
    seen = visible(club, night)
    asks = night_asks(seen, night)
    allowed = asks.filter(asks.campaign_id.isin(campaigns)).semi_join(may_be_profiled(seen, policy), "member_id")
    return allowed.semi_join(club.mailings, ["campaign_id", "member_id"])


def rows_of(club: Club, night: Night, asks: ir.Table, tables: FeatureTables, kind: str) -> tuple[pa.Table, pa.Table]:
    """(mailings, offers): what the model is shown of the night's asks, in the order of their keys. Where each mailing
    names its offer (kind "pair"), only the offers that were then sent can be judged."""
    seen = visible(club, night)
    pairs = offered(seen, asks) if kind == "choice" else offers_sent(club, asks)
    mailings = mailing_rows(seen, asks, tables).order_by(KEYS).to_pyarrow()
    return mailings, offer_rows(seen, pairs, tables).order_by([*KEYS, "offer_id"]).to_pyarrow()


def replay_night(
    club: Club, night: Night, asks: ir.Table, tables: FeatureTables, past: TrainingRows, config: TrainingConfig,
    kinds: tuple[str, ...] = ANSWERS, stage: Stage = unmeasured,
) -> tuple[Replay, Tonight]:  # fmt: skip
    """Train on `past`, score the asks as the night would, then look up what happened. `tables` are the asks' features.
    With the replay come the rows that were scored."""
    with stage("training"):
        fitted = fit_model(past.mailings, past.offers, night.as_of, config, past.kind)
    with stage("rows"):
        mailings, offers = rows_of(club, night, asks, tables, past.kind)
    with stage("scoring"):
        apart = TakenApart(fitted.model)
        batches = score(apart, mailings.to_batches(), offers.to_batches(), MODEL)
        scores = pa.Table.from_batches(batches, schema=SCORED)
    at = ask_of(mailings, offers)
    columns = {
        MODEL: best_of(at, floats(scores["mailing_relevance"]), mailings.num_rows),
        LOW: best_of(at, floats(scores["relevance_low"]), mailings.num_rows),
    }
    offer_columns = {MODEL: floats(scores["relevance"])}
    tonight = Tonight(past, mailings, offers, config.seed)
    with stage("baselines"):
        for baseline in BASELINES:
            columns[baseline.name], within = baseline.score(tonight)
            offer_columns[baseline.name] = across_members(at, columns[baseline.name], within)
    with stage("baseline als"):
        columns[ALS], within = als_scores(visible(club, night), tonight)
        offer_columns[ALS] = across_members(at, columns[ALS], within)
    of_mailings, of_offers = apart.columns(mailings, offers)
    columns, offer_columns = columns | of_mailings, offer_columns | of_offers
    with stage("answers"):
        pairs = offered(visible(club, night), asks) if past.kind == "choice" else offers_sent(club, asks)
        happened = _ids(answers(club, asks, kinds), [*KEYS, "answered"])
        happened_offers = _ids(offer_answers(club, pairs, kinds), [*KEYS, "offer_id", "answered"])
    done = Replay(
        night=night,
        fitted=fitted,
        mailings=_with(_labelled(mailings, happened, KEYS), columns),
        offers=_with(_labelled(offers, happened_offers, [*KEYS, "offer_id"]), offer_columns),
    )
    return done, tonight


def _closed(rows: pa.Table, night: Night) -> pa.Table:
    """Examples whose time to answer was over by the night."""
    instant = pa.scalar(night.as_of, pa.timestamp("us"))
    return rows.filter(pc.less_equal(rows["closes_at"].cast(pa.timestamp("us")), instant))


def _ids(rows: ir.Table, columns: list[str]) -> pd.DataFrame:
    return rows.select(*columns).to_pandas()


def _labelled(rows: pa.Table, happened: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    return rows.select(keys).to_pandas().merge(happened, on=keys, how="left", validate="one_to_one")


def _with(frame: pd.DataFrame, scores: Columns) -> pd.DataFrame:
    return frame.assign(**{name: np.asarray(values, dtype=np.float32) for name, values in scores.items()})
