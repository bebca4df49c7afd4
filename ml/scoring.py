"""What a scorer says of tonight's pairs, in batches of bounded size. Scorers are the relevance model (model.py) and the
rules that stand in for it (rules_model.py); neither is fitted here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.ensemble import Values
from ml.explanations import as_json, speaks_for
from ml.inputs import Batch

EXPLAINED = 5  # best offers of an ask whose own contributions are told

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


class Scorer(Protocol):
    """Anything that can tell how relevant a mailing and its offers are, see `model.RelevanceModel`."""

    @property
    def kind(self) -> Literal["choice", "pair"]: ...

    def mailing_relevance(self, rows: Batch) -> tuple[Values, Values]: ...

    def offer_relevance(self, rows: Batch) -> tuple[Values, Values]: ...

    def contributions(self, stage: Literal["mailing", "offer"], rows: Batch) -> list[dict[str, float]]: ...


def score(scorer: Scorer, mailings: Iterable[Batch], offers: Iterable[Batch], version: str) -> Iterator[pa.RecordBatch]:
    """Batches with the columns of the lake's table `scores`, for every row of `offers`.

    mailings   rows of `examples.mailing_rows` of the night's asks (read only when the scorer's kind is "choice")
    offers     rows of `examples.offer_rows` of the same asks; all offers of an ask in one batch or in neighbouring ones
    A choice model's relevance is P(member answers) x P(offer | answers). A pair model's mailing is as relevant as its
    best offer. relevance_low is the lower bound of the mailing's relevance. Contributions are those of the mailing and, for
    the `EXPLAINED` best offers of an ask, of the offer: the others are not sent, and explaining costs thrice a score.
    """
    if scorer.kind == "choice":
        yield from _choice(scorer, mailings, offers, version)
    else:
        yield from _pairs(scorer, offers, version)


def score_asks(scorer: Scorer, offers: Iterable[Batch], version: str) -> Iterator[pa.RecordBatch]:
    """`score` where the asks are spread over workers, each with some of them whole: the mailings are taken from the offers'
    own rows, which carry all that a mailing is judged by."""
    for rows in _whole_asks(offers):
        first = np.ones(rows.num_rows, dtype=bool)
        same = pc.and_(*(pc.equal(rows[name][1:], rows[name][:-1]) for name in ("campaign_id", "member_id")))
        first[1:] = ~same.to_numpy()
        yield from score(scorer, [rows.filter(pa.array(first))], [rows], version)


def _choice(
    scorer: Scorer, mailings: Iterable[Batch], offers: Iterable[Batch], version: str
) -> Iterator[pa.RecordBatch]:
    known: dict[tuple[str, str], int] = {}
    relevance, low = [], []
    why: list[dict[str, float]] = []
    for rows in mailings:
        mean, bound = scorer.mailing_relevance(rows)
        why += scorer.contributions("mailing", rows)
        for ask in zip(rows["campaign_id"].to_pylist(), rows["member_id"].to_pylist(), strict=True):
            known[ask] = len(known)
        relevance.append(mean)
        low.append(bound)
    whole = np.concatenate(relevance) if relevance else np.zeros(0)
    least = np.concatenate(low) if low else np.zeros(0)
    for rows in _whole_asks(offers):
        asks = zip(rows["campaign_id"].to_pylist(), rows["member_id"].to_pylist(), strict=True)
        at = np.fromiter((known[ask] for ask in asks), dtype=np.int64, count=rows.num_rows)
        chosen, _ = scorer.offer_relevance(rows)
        said = [
            {"mailing": why[ask], "offer": offer}
            for ask, offer in zip(at, _explained(scorer, rows, at, chosen), strict=True)
        ]
        yield _batch(rows, whole[at] * chosen, whole[at], least[at], said, version)


def _pairs(scorer: Scorer, offers: Iterable[Batch], version: str) -> Iterator[pa.RecordBatch]:
    for rows in _whole_asks(offers):
        yield _best_of(scorer, rows, version)


def _whole_asks(offers: Iterable[Batch]) -> Iterator[pa.Table]:
    """The same rows in order, cut so that no ask is in two tables."""
    held: pa.Table | None = None
    for rows in offers:
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_batches([rows])
        table = table if held is None else pa.concat_tables([held, table])
        first = _start_of_last_ask(table)  # the next batch may bring more offers of it
        held = table.slice(first)
        if first:
            yield table.slice(0, first)
    if held is not None and held.num_rows:
        yield held


def _best_of(scorer: Scorer, rows: pa.Table, version: str) -> pa.RecordBatch:
    mean, bound = scorer.offer_relevance(rows)
    asks: dict[tuple[str, str], int] = {}
    pairs = zip(rows["campaign_id"].to_pylist(), rows["member_id"].to_pylist(), strict=True)
    at = np.fromiter((asks.setdefault(pair, len(asks)) for pair in pairs), dtype=np.int64, count=rows.num_rows)
    best, least = np.zeros(len(asks)), np.zeros(len(asks))
    np.maximum.at(best, at, mean)
    np.maximum.at(least, at, bound)
    said = [{"offer": offer} for offer in _explained(scorer, rows, at, mean)]
    return _batch(rows, mean, best[at], least[at], said, version)


def _explained(scorer: Scorer, rows: Batch, asks: NDArray[np.int64], score: Values) -> list[dict[str, float]]:
    """Contributions to the offer's score for the best offers of each ask; none for the others."""
    order = np.lexsort((-score, asks))
    ranked = asks[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1])) if ranked.size else np.zeros(0, dtype=np.int64)
    place = np.arange(ranked.size) - np.repeat(starts, np.diff(np.append(starts, ranked.size)))
    best = np.sort(order[place < EXPLAINED])
    out: list[dict[str, float]] = [{} for _ in range(rows.num_rows)]
    if best.size:
        for row, families in zip(best, scorer.contributions("offer", rows.take(pa.array(best))), strict=True):
            out[row] = families
    return out


def _start_of_last_ask(rows: pa.Table) -> int:
    if rows.num_rows == 0:
        return 0
    last = rows.slice(rows.num_rows - 1)
    same = pc.and_(
        pc.equal(rows["campaign_id"], last["campaign_id"][0]), pc.equal(rows["member_id"], last["member_id"][0])
    )
    return int(pc.index(same, True).as_py())


def _batch(
    rows: Batch,
    relevance: Values,
    whole: Values,
    low: Values,
    said: Sequence[Mapping[str, Mapping[str, float]]],
    version: str,
) -> pa.RecordBatch:
    ids = [_plain(rows[name]) for name in ("campaign_id", "member_id", "offer_id")]
    numbers = [pa.array(values) for values in (relevance, whole, low)]
    told = [as_json(by_stage) if any(by_stage.values()) else None for by_stage in said]
    loudest = [speaks_for(by_stage["offer"] or by_stage.get("mailing", {})) for by_stage in said]
    words = [pa.array(told, pa.string()), pa.array(loudest, pa.string())]
    return pa.RecordBatch.from_arrays([*ids, *numbers, *words, pa.repeat(version, rows.num_rows)], schema=SCORED)


def _plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
