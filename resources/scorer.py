"""Scoring as the night does it: which model may be used, and its scores of the lake's features, streamed. How a score is
made is in ml/scoring.py.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from ml.basis import Explain
from ml.club import Club
from ml.consent import may_be_profiled, records_profiling
from ml.eligible import may_be_written_to
from ml.errors import DamagedModel, RegistryUnavailable
from ml.examples import mailing_rows, offer_rows, offered, with_evidence
from ml.feature_dictionary import FEATURE_TABLES
from ml.features import FeatureTables
from ml.kept import keep
from ml.lake_tables import ASKS, QUARANTINE
from ml.model import RelevanceModel
from ml.night import Night
from ml.pair_numbers import NUMBER, PairNumbers
from ml.pair_rows import EVIDENT, KEYS, pair_rows
from ml.quarantine import doubts
from ml.rules_model import RulesModel
from ml.scoring import EXPLAINED, SCORED, cut_by_ask, explain, score, score_asks
from ml.shards import WHOLE, Shard
from resources.engine import is_spark, stream
from resources.platform import Platform
from resources.registry import BUSINESS_DATE, Registered

if TYPE_CHECKING:
    from resources.engine_spark import SparkBackend

ROWS_A_BATCH = 65_536
RULES = "rules"


@dataclass(frozen=True)
class Chosen:
    """What scores tonight, and why in words. `step` is the rung of the fallback ladder: A champion, B the last good one where
    that cannot be had, C rules."""

    scorer: RelevanceModel | RulesModel
    version: str
    step: str
    reason: str
    trained_for: str = ""  # business date; empty where rules score

    @property
    def threshold_note(self) -> str:
        """The least mailing relevance as text, empty where rules score."""
        return "" if self.scorer.threshold is None else repr(self.scorer.threshold)


RULES_NIGHT = Chosen(RulesModel(), RULES, "C", "rules decide")


@dataclass(frozen=True)
class Found:
    """The model that a night may use, None where there is none; the rung it stands on, and why in words."""

    model: Registered | None
    step: str
    reason: str


def find_model(platform: Platform, night: Night) -> Found:
    """The champion of the night's time; where MLflow is away or its files are damaged, the last one that a night has used.

    A night asks more than once; what it says is the same as long as the registry is.
    """
    kept = platform.kept_models
    try:
        found = platform.registry.usable(night.key)
    except (RegistryUnavailable, DamagedModel) as why:
        before = kept.newest(night.key)
        if before is None:
            return Found(None, "C", f"{why}; no earlier model is kept, so rules decide")
        return Found(
            before, "B", f"{why}; model version {before.version}, the last one a night has used, takes its place"
        )
    if found is None:
        return Found(None, "C", "no model was good enough by this date, so rules decide")
    kept.keep(found)
    return Found(found, "A", f"model version {found.version}, trained for {found.tags[BUSINESS_DATE]}")


def choose_scorer(platform: Platform, night: Night) -> Chosen:
    """What `find_model` found, ready to score; rules where it found none."""
    found = find_model(platform, night)
    if found.model is None:
        return replace(RULES_NIGHT, step=found.step, reason=found.reason)
    model = RelevanceModel.from_files(dict(found.model.files))
    return Chosen(model, found.model.version, found.step, found.reason, found.model.tags[BUSINESS_DATE])


def score_night(
    platform: Platform, night: Night, chosen: Chosen, shard: Shard = WHOLE
) -> pa.RecordBatchReader | ir.Table:
    """Scores (`SCORES`) of the night's asks, or a shard of them, from the lake's features; computed as they are read, on Spark by
    its workers."""
    club, asks = platform.club(night, shard), asks_to_score(platform, night, shard)
    tables = feature_tables_of(platform, night, shard)
    if is_spark(platform.engine):
        return score_on_workers(platform.engine, offer_rows(club, offered(club, asks), tables), chosen)
    mailings, offers = _rows(platform, club, keep(asks), tables)  # who is asked about is a long expression, used thrice
    batches = score(chosen.scorer, [mailings], offers, chosen.version, whole_asks=True)
    return pa.RecordBatchReader.from_batches(SCORED, batches)


def asks_to_score(platform: Platform, night: Night, shard: Shard = WHOLE) -> ir.Table:
    """The night's asks that are worth a prediction: of members who may be profiled, and to whom law and their own word leave a channel.
    The ledger tells of the others too, and why; it needs no relevance for that."""
    club = platform.club(night, shard)
    recorded = None if shard.is_whole else records_profiling(platform.club(night))
    asks = profiled(platform, night, club, platform.lake.read(ASKS, night.key, shard), shard)
    unread = doubts(platform.lake.read(QUARANTINE, night.key))
    return asks.semi_join(
        may_be_written_to(club, night, platform.policy, asks, unread, recorded), ["campaign_id", "member_id"]
    )


def profiled(platform: Platform, night: Night, club: Club, asks: ir.Table, shard: Shard = WHOLE) -> ir.Table:
    """The asks of members who may be profiled: of the others no feature is made."""
    recorded = None if shard.is_whole else records_profiling(platform.club(night))
    return asks.semi_join(may_be_profiled(club, platform.policy, recorded), "member_id")


def score_on_workers(engine: "SparkBackend", offers: ir.Table, chosen: Chosen) -> ir.Table:
    """The scores of rows of `offer_rows`, each ask by one worker, in the function that scores everywhere."""
    scorer, version = chosen.scorer, chosen.version

    def work(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return score_asks(scorer, batches, version)

    return engine.map_batches(offers, KEYS[:2], KEYS, work, SCORED)


def pair_rows_of(platform: Platform, night: Night) -> Iterator[pa.RecordBatch]:
    """The rows that the night's offers are scored from, as `ml.pair_rows` makes them."""
    asks = keep(asks_to_score(platform, night))
    return _rows(platform, platform.club(night), asks, feature_tables_of(platform, night))[1]


def explain_sent(platform: Platform, night: Night, chosen: Chosen, shard: Shard = WHOLE) -> Explain:
    """What tells, once it is decided what is sent, what moved its scores: see `ml.basis.Basis.explain`."""

    def explain_pairs(sent: ir.Table) -> ir.Table:
        club = platform.club(night, shard)
        asks = platform.lake.read(ASKS, night.key, shard).semi_join(sent, ["campaign_id", "member_id"])
        tables = feature_tables_of(platform, night, shard)
        _, offers = _rows(platform, club, profiled(platform, night, club, asks, shard), tables, sent)
        return ibis.memtable(pa.Table.from_batches(explain(chosen.scorer, offers), schema=EXPLAINED))

    return explain_pairs


def _rows(
    platform: Platform, club: Club, asks: ir.Table, tables: FeatureTables, only: ir.Table | None = None
) -> tuple[pa.Table, Iterator[pa.RecordBatch]]:
    """Rows of the mailings, and of their offers, whole asks in a batch; of the offers `only` those."""
    asks = asks.semi_join(club.offers, "campaign_id")  # of a campaign without offers there is nothing to score
    mailings = mailing_rows(club, asks, tables).order_by(["campaign_id", "member_id"]).to_pyarrow()
    pairs = PairNumbers.of(club, asks).every()
    if only is not None:
        wanted = only.select(*KEYS, wanted=ibis.literal(True))
        pairs = pairs.left_join(wanted, [*KEYS]).select(*pairs.columns, "wanted")
        pairs = pairs.mutate(wanted=pairs.wanted.fill_null(False))
    evidence = with_evidence(pairs, tables).order_by(NUMBER)  # offers of an ask are compared with each other
    evidence = evidence.select(*KEYS, *EVIDENT, *(() if only is None else ("wanted",)))
    offers = tables.offer_features.to_pyarrow()
    batches = cut_by_ask(_stream(platform, evidence))
    return mailings, pair_rows(mailings, offers, batches, "" if only is None else "wanted")


def feature_tables_of(platform: Platform, night: Night, shard: Shard = WHOLE) -> FeatureTables:
    """The night's features from the lake, with the instant they were asked for."""
    at = ibis.literal(night.as_of, "timestamp(6)")
    return FeatureTables(**{t.name: platform.lake.read(t, night.key, shard).mutate(as_of=at) for t in FEATURE_TABLES})


def _stream(platform: Platform, rows: ir.Table) -> Iterator[pa.RecordBatch]:
    """The rows in batches; the query is begun when the first batch is asked for, as the engine serves one at a time."""
    yield from stream(platform.engine, rows, ROWS_A_BATCH)
