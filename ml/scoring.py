"""What a scorer says of tonight's pairs, in batches of bounded size. Scorers are the relevance model (model.py) and the
rules that stand in for it (rules_model.py); neither is fitted here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.ensemble import Values
from ml.explanations import Told, as_json
from ml.inputs import Batch
from ml.pair_rows import KEYS, ask_starts

SCORED = pa.schema(
    [
        ("campaign_id", pa.string()),
        ("member_id", pa.string()),
        ("offer_id", pa.string()),
        ("relevance", pa.float64()),
        ("mailing_relevance", pa.float64()),
        ("relevance_low", pa.float64()),
        ("contributions", pa.string()),
        ("speaks_for", pa.string()),
        ("model_version", pa.string()),
    ]
)
EXPLAINED = pa.schema(
    [(name, pa.string()) for name in ("campaign_id", "member_id", "offer_id", "contributions", "speaks_for")]
)


class Scorer(Protocol):
    """Anything that can tell how relevant a mailing and its offers are, see `model.RelevanceModel`."""

    @property
    def kind(self) -> Literal["choice", "pair"]: ...

    def mailing_relevance(self, rows: Batch) -> tuple[Values, Values]: ...

    def offer_relevance(self, rows: Batch) -> tuple[Values, Values]: ...

    def explained(self, stage: Literal["mailing", "offer"], rows: Batch) -> Told: ...


def score(
    scorer: Scorer, mailings: Iterable[Batch], offers: Iterable[Batch], version: str, whole_asks: bool = False
) -> Iterator[pa.RecordBatch]:
    """Batches with the columns of the lake's table `scores`, for every row of `offers`.

    mailings   rows of `examples.mailing_rows` of the night's asks (read only when the scorer's kind is "choice")
    offers     rows of `examples.offer_rows` of the same asks; all offers of an ask in one batch or in neighbouring ones
    whole_asks is every batch known to hold whole asks
    A choice model's relevance is P(member answers) x P(offer | answers). A pair model's mailing is as relevant as its
    best offer. relevance_low is the lower bound of the mailing's relevance. Contributions are those of the mailing; those of
    offers are told of what is sent (`explain`), as explaining costs more than a score.
    """
    of_mailings = _Mailings.of(scorer, mailings) if scorer.kind == "choice" else None
    for rows in offers if whole_asks else cut_by_ask(offers):
        starts = ask_starts(rows)
        ask = np.repeat(np.arange(starts.size), np.diff(np.append(starts, rows.num_rows)))
        mean, bound = scorer.offer_relevance(rows)
        if of_mailings is None:
            whole, low = np.maximum.reduceat(mean, starts)[ask], np.maximum.reduceat(bound, starts)[ask]
            relevance, told = mean, Told.nothing(rows.num_rows)
        else:
            at = of_mailings.places(rows, starts)[ask]
            whole, low = of_mailings.relevance[at], of_mailings.low[at]
            relevance, told = whole * mean, of_mailings.told.take(at)
        numbers = [pa.array(values) for values in (relevance, whole, low)]
        said = [as_json(told.texts, None), told.loudest]
        yield pa.RecordBatch.from_arrays(
            [*_keys(rows), *numbers, *said, pa.repeat(version, rows.num_rows)], schema=SCORED
        )


def score_asks(scorer: Scorer, offers: Iterable[Batch], version: str) -> Iterator[pa.RecordBatch]:
    """`score` where the asks are spread over workers, each with some of them whole: the mailings are taken from the offers'
    own rows, which carry all that a mailing is judged by."""
    for rows in cut_by_ask(offers):
        yield from score(scorer, [rows.take(pa.array(ask_starts(rows)))], [rows], version, whole_asks=True)


def explain(scorer: Scorer, offers: Iterable[Batch]) -> Iterator[pa.RecordBatch]:
    """Batches of `EXPLAINED`, for every row of `offers` (`examples.offer_rows`): what moved the score of the mailing, where the
    scorer has one, and of the offer; and the family that speaks loudest for it, the offer's own before the mailing's."""
    for rows in offers:
        offer = scorer.explained("offer", rows)
        mailing = scorer.explained("mailing", rows) if scorer.kind == "choice" else Told.nothing(rows.num_rows)
        loudest = pc.if_else(pc.is_null(offer.texts), mailing.loudest, offer.loudest)
        told = [as_json(mailing.texts, offer.texts), loudest]
        yield pa.RecordBatch.from_arrays([*_keys(rows), *told], schema=EXPLAINED)


def _keys(rows: Batch) -> list[pa.Array]:
    return [_plain(rows[name]) for name in KEYS]


@dataclass(frozen=True)
class _Mailings:
    """What was said of the mailings, by (campaign, member)."""

    known: Mapping[tuple[str, str], int]
    relevance: Values
    low: Values
    told: Told

    @classmethod
    def of(cls, scorer: Scorer, mailings: Iterable[Batch]) -> "_Mailings":
        known: dict[tuple[str, str], int] = {}
        relevance, low = [np.zeros(0)], [np.zeros(0)]
        told = [Told.nothing(0)]
        for rows in mailings:
            mean, bound = scorer.mailing_relevance(rows)
            for ask in zip(rows["campaign_id"].to_pylist(), rows["member_id"].to_pylist(), strict=True):
                known[ask] = len(known)
            relevance.append(mean)
            low.append(bound)
            told.append(scorer.explained("mailing", rows))
        return cls(known, np.concatenate(relevance), np.concatenate(low), Told.together(told))

    def places(self, rows: Batch, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the asks that begin at those rows stand among the mailings. Raises KeyError for one that does not."""
        at = pa.array(starts)
        asks = zip(*(_plain(rows[name]).take(at).to_pylist() for name in ("campaign_id", "member_id")), strict=True)
        return np.fromiter((self.known[ask] for ask in asks), dtype=np.int64, count=starts.size)


def cut_by_ask(offers: Iterable[Batch]) -> Iterator[pa.Table]:
    """The same rows in order, cut so that no ask is in two tables."""
    held: pa.Table | None = None
    for rows in offers:
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_batches([rows])
        table = table if held is None or not held.num_rows else pa.concat_tables([held, table]).unify_dictionaries()
        first = _start_of_last_ask(table)  # the next batch may bring more offers of it
        held = table.slice(first)
        if first:
            yield table.slice(0, first)
    if held is not None and held.num_rows:
        yield held


def _start_of_last_ask(rows: pa.Table) -> int:
    if rows.num_rows == 0:
        return 0
    last = rows.slice(rows.num_rows - 1)
    same = pc.and_(
        pc.equal(rows["campaign_id"], last["campaign_id"][0]), pc.equal(rows["member_id"], last["member_id"][0])
    )
    return int(pc.index(same, True).as_py())


def _plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.dictionary_decode() if isinstance(whole, pa.DictionaryArray) else whole
