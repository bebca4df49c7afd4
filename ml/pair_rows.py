"""The rows of `examples.offer_rows` put together in memory, for scoring millions of pairs: what is known of the ask is held once
for all its offers and what is known of the offer once for all its members, as Arrow dictionaries, and an offer's place
among the others is reckoned by ask. The same columns by SQL, for training, are made in examples.py; a test holds them equal.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ml.exact import GRID
from ml.features_of_offers import DEPARTMENT, MEMBER_OFFER, OFFER, RANKED, SHARED
from ml.inputs import Batch, floats

Values = NDArray[np.float64]
KEYS = ("campaign_id", "member_id", "offer_id")
EVIDENT = tuple(f.name for f in (*MEMBER_OFFER, *DEPARTMENT))
_MANY = 64  # offers of an ask from which sorting is cheaper than comparing each with each


def pair_rows(asks: pa.Table, offers: pa.Table, evidence: Iterable[Batch], only: str = "") -> Iterator[pa.RecordBatch]:
    """Batches with the columns of `examples.offer_rows`, those of the ask and of the offer as dictionaries.

    asks      rows of `examples.mailing_rows`, in order of (campaign_id, member_id)
    offers    `offer_features` of the night
    evidence  `examples.with_evidence` of the asks x their campaign's offers, in order of KEYS, no ask in two batches
    only      a column of the evidence, true or false: which of its rows to give, once they have been compared; "" = all

    Raises KeyError where the evidence has an ask or an offer that is not among those given.
    """
    at = _Places.of(asks)
    known = offers["offer_id"].combine_chunks()
    of_ask = {name: asks[name].combine_chunks() for name in asks.column_names if name not in KEYS}
    of_offer = {f.name: offers[f.name].combine_chunks() for f in OFFER}
    for batch in evidence:
        rows = pa.table(batch) if isinstance(batch, pa.RecordBatch) else batch.combine_chunks()
        starts = ask_starts(rows)
        sizes = np.diff(np.append(starts, rows.num_rows))
        first = at.of_asks(rows, starts)
        ask = pa.array(np.repeat(np.arange(starts.size, dtype=np.int32), sizes))
        which = pc.index_in(rows["offer_id"].combine_chunks(), value_set=known)
        if which.null_count:
            raise KeyError("evidence of an offer that is not among the night's offers")
        columns: dict[str, pa.Array] = {name: rows[name].combine_chunks() for name in KEYS}
        columns |= {name: _coded(ask, values.take(first)) for name, values in of_ask.items()}
        columns |= {name: _coded(which, values) for name, values in of_offer.items()}
        evident = {name: floats(rows[name]) for name in EVIDENT}
        of = which.to_numpy()
        evident |= {name: floats(values)[of] for name, values in of_offer.items() if name in _COMPARED}
        columns |= {name: pa.array(evident[name]) for name in EVIDENT}
        columns |= {name: pa.array(values) for name, values in beside_the_others(evident, sizes).items()}
        made = pa.RecordBatch.from_pydict(columns)
        yield made.filter(rows[only].combine_chunks()) if only else made


def beside_the_others(rows: dict[str, Values], sizes: NDArray[np.int64]) -> dict[str, Values]:
    """Rank and share of each offer among all offers of its ask, which has `sizes` rows, one ask after the other; null as NaN."""
    found = {f"{name}_rank": np.zeros(rows[name].size) for name in RANKED}
    found |= {f"{name}_share": np.zeros(rows[name].size) for name in SHARED}
    starts = np.cumsum(sizes) - sizes
    for size in np.unique(sizes):
        block = starts[sizes == size][:, None] + np.arange(size)
        for name in RANKED:
            found[f"{name}_rank"][block] = _percent_rank(rows[name][block])
        for name in SHARED:
            values = rows[name][block]
            steps = np.round(values * GRID).astype(np.int64)  # as `exact.on_the_grid`: sums hang on no order
            total = steps.sum(axis=1, keepdims=True) / GRID
            found[f"{name}_share"][block] = np.divide(values, total, out=np.zeros_like(values), where=total != 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found["product_lift"] = np.log((rows["product_baskets_91"] + 0.3) / (rows["reach_baskets"] + 0.05))
        products = np.where(rows["products"] == 0, np.nan, rows["products"])
        found["offer_known_share"] = rows["offer_products_known"] / products
        found["subcategory_of_usual"] = rows["subcategory_days_since"] / np.where(
            rows["usual_interval"] == 0, np.nan, rows["usual_interval"]
        )
    return found


_COMPARED = frozenset((*RANKED, *SHARED, "reach_baskets", "products", "usual_interval"))


def ask_starts(rows: Batch) -> NDArray[np.int64]:
    """The first row of each ask."""
    other = np.ones(rows.num_rows, dtype=bool)
    other[1:] = False
    for name in ("campaign_id", "member_id"):
        column = rows[name].combine_chunks() if isinstance(rows[name], pa.ChunkedArray) else rows[name]
        other[1:] |= pc.not_equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
    return np.flatnonzero(other)


class _Places:
    """Where the asks stand, found in their own order: no look-up an ask."""

    def __init__(self, campaign: pa.Array, member: pa.Array):
        self._campaign, self._member, self._next = campaign, member, 0

    @classmethod
    def of(cls, asks: pa.Table) -> "_Places":
        return cls(asks["campaign_id"].combine_chunks(), asks["member_id"].combine_chunks())

    def of_asks(self, rows: pa.Table, starts: NDArray[np.int64]) -> pa.Array:
        """The next asks, which are those that begin at the rows. Raises KeyError where they are others."""
        begun = pa.array(starts)
        there = slice(self._next, self._next + starts.size)
        for name, mine in (("campaign_id", self._campaign), ("member_id", self._member)):
            if not rows[name].combine_chunks().take(begun).equals(mine[there]):
                raise KeyError("evidence of asks that are not the next ones in order")
        self._next = there.stop
        return pa.array(np.arange(there.start, there.stop))


def _coded(at: pa.Array, values: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(at, values)


def _percent_rank(values: Values) -> Values:
    """(asks, offers): 0 the highest, 1 the lowest; equal values share the place of the first."""
    size = values.shape[1]
    if size < 2:
        return np.zeros_like(values)
    if size <= _MANY:
        higher = (values[:, None, :] > values[:, :, None]).sum(axis=2)
    else:
        order = np.argsort(-values, axis=1, kind="stable")
        ranked = np.take_along_axis(values, order, axis=1)
        new = np.ones(values.shape, dtype=bool)
        new[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
        first = np.maximum.accumulate(np.where(new, np.arange(size), 0), axis=1)
        higher = np.empty_like(first)
        np.put_along_axis(higher, order, first, axis=1)
    rank: Values = higher / (size - 1)
    return rank
