"""Rows put together in memory for scoring are those that SQL makes for training."""

import numpy as np
import pyarrow as pa
import pytest

from ml.club import visible
from ml.examples import mailing_rows, night_asks, offer_rows, offered, with_evidence
from ml.feature_dictionary import CATEGORICAL
from ml.features import FeatureTables, feature_tables
from ml.features_of_offers import MEMBER_OFFER, OFFER
from ml.inputs import floats
from ml.kept import keep
from ml.night import Night
from ml.pair_rows import KEYS, beside_the_others, pair_rows
from ml.scoring import cut_by_ask
from tests.past_world import club_by_taste, on_engine

Parts = tuple[pa.Table, pa.Table, pa.Table, pa.Table]


@pytest.fixture(scope="module")
def parts() -> Parts:
    """Of a night: the rows by SQL; and what they are put together from: the asks, the offers, the evidence."""
    club, night = club_by_taste(members=40, campaigns=3)
    seen = visible(on_engine(club), night)
    last = Night(seen.campaigns.starts_on.max().to_pyarrow().as_py(), night.timezone)
    asks = keep(night_asks(seen, last))
    tables = FeatureTables(**{name: keep(t) for name, t in feature_tables(seen, asks).tables().items()})
    pairs = offered(seen, asks)
    return (
        offer_rows(seen, pairs, tables).order_by([*KEYS]).to_pyarrow(),
        mailing_rows(seen, asks, tables).order_by(["campaign_id", "member_id"]).to_pyarrow(),
        tables.offer_features.to_pyarrow(),
        with_evidence(pairs, tables).order_by([*KEYS]).to_pyarrow(),
    )


@pytest.mark.parametrize("batch", [7, 100_000])
def test_they_are_the_rows_of_training(parts: Parts, batch: int) -> None:
    expected, asks, offers, evidence = parts
    made = list(pair_rows(asks, offers, cut_by_ask(evidence.to_batches(batch))))
    assert expected.num_rows == sum(rows.num_rows for rows in made) == 40 * 8
    for name in expected.column_names:
        got = pa.concat_arrays([_plain(rows[name]) for rows in made if name in rows.schema.names])
        if name in KEYS or name in CATEGORICAL:
            assert got.to_pylist() == expected[name].to_pylist(), name
        elif name not in ("as_of", "closes_at"):
            assert np.allclose(floats(got), floats(expected[name]), rtol=1e-12, atol=0, equal_nan=True), name


def test_rank_and_share_are_among_the_offers_of_one_ask() -> None:
    zeros = {f.name: np.zeros(5) for f in (*MEMBER_OFFER, *OFFER) if not f.category}
    rows = zeros | {"product_decayed": np.array([3.0, 1.0, 1.0, 5.0, 5.0])}
    told = beside_the_others(rows, np.array([3, 2]))
    assert told["product_decayed_rank"].tolist() == [0, 0.5, 0.5, 0, 0]
    assert told["product_decayed_share"].tolist() == [0.6, 0.2, 0.2, 0.5, 0.5]
    assert told["line_decayed_share"].tolist() == [0, 0, 0, 0, 0]


def test_many_offers_rank_as_few_do() -> None:
    values = np.tile(np.arange(80) % 7, 2).astype(float)
    rows = {f.name: np.zeros(160) for f in (*MEMBER_OFFER, *OFFER) if not f.category} | {"product_decayed": values}
    rank = beside_the_others(rows, np.array([80, 80]))["product_decayed_rank"]
    assert rank.tolist() == [float((values[:80] > v).sum()) / 79 for v in values]


def test_evidence_out_of_order_is_refused(parts: Parts) -> None:
    _, asks, offers, evidence = parts
    with pytest.raises(KeyError, match="not the next ones in order"):
        list(pair_rows(asks.slice(1), offers, [evidence]))


def _plain(column: pa.Array) -> pa.Array:
    return column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column
