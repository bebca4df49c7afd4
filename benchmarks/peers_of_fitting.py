"""Features and training beside what they could cost at least, in one run on the same rows; scoring and deciding are in peers.py. A size must
have been measured by benchmarks/night.py before, whose lake is read here.

    python -m benchmarks.peers_of_fitting --members 10000 [--rounds 3] [--examples 200000 10000000] [--save docs/measured/peers_of_fitting.csv]

features beside SQL by hand     purchases' features of members and of their categories, made and written by our expressions, beside the same columns
                                by the queries of by_hand.py: each writes its two tables as Parquet
training beside XGBoost alone   from a table of examples to a bag of trees (inputs chosen, matrix, drawing, quantiles, trees, linear partner), beside
                                XGBoost growing as many trees on the same matrix, which lies in memory already
"""

import argparse
import os
import resource
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import duckdb
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import xgboost as xgb

from benchmarks.by_hand import statements
from benchmarks.figures import save
from benchmarks.night_stages import KEY, platform_of
from benchmarks.processor import processor
from ml.club import visible
from ml.ensemble import Ensemble, Values
from ml.feature_dictionary import CATEGORICAL, NAMED_INPUTS
from ml.features_category import category_features, club_prices
from ml.features_member import purchase_features
from ml.fitting import fit_bags
from ml.habits import group_habits
from ml.history import moments_of, purchases
from ml.inputs import Inputs, Matrix
from ml.kept import keep
from ml.lake_tables import ASKS
from ml.training_config import TrainingConfig
from resources.engine import write_files
from resources.platform import Platform
from resources.scorer import pair_rows_of

ROUNDS = 100  # trees of the bag
MANY = 1_000_000  # examples that are trained on once
ANSWERED = 0.05  # share of the examples that are answered, by the draw


def features_by_hand(platform: Platform) -> tuple[float, float]:
    """Processor seconds of (our expressions, the queries by hand). Raises AssertionError where they differ."""
    night = platform.night(KEY)
    club = visible(platform.club(night), night)
    asks = platform.lake.read(ASKS, KEY)
    files = {name: f"{platform.lake.folder(name, KEY)}/*.parquet" for name in ("transactions", "products", "asks")}
    by_hand = statements(files, str(night.as_of))
    with tempfile.TemporaryDirectory(prefix="hemsil-bench-") as folder:
        places = {name: Path(folder, name) for name in by_hand}

        def ours() -> None:
            moments = moments_of(asks)
            bought = keep(purchases(club, asks))
            habits = {"category": keep(group_habits(moments, bought, "category"))}
            prices = club_prices(club, moments, one_moment=True)  # as a night has them
            made = {
                "member_features": purchase_features(asks, bought),
                "member_category_features": category_features(club, asks, habits, bought, prices),
            }
            for name, rows in made.items():
                _written(platform, rows, places[name])

        def hand() -> None:
            with duckdb.connect(config={"threads": platform.settings.threads}) as alone:
                for name, query in by_hand.items():
                    alone.execute(f"COPY ({query}) TO '{places[name]}.parquet' (FORMAT parquet, COMPRESSION zstd)")

        seconds = processor(ours), processor(hand)
        for place in places.values():
            same(pd.read_parquet(place), pd.read_parquet(f"{place}.parquet"))
    return seconds


def _written(platform: Platform, rows: ir.Table, place: Path) -> None:
    place.mkdir()
    write_files(platform.engine, rows.drop("as_of"), place)


def same(ours: pd.DataFrame, by_hand: pd.DataFrame) -> None:
    """Raises AssertionError naming what differs by more than a millionth (ours adds up on a grid, so that no order tells)."""
    keys = [name for name in ("member_id", "category") if name in by_hand]
    one, other = (rows.sort_values(keys).reset_index(drop=True)[by_hand.columns] for rows in (ours, by_hand))
    pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=1e-6, atol=1e-6)


def training_alone(platform: Platform, examples: int) -> tuple[float, float, float]:
    """(processor seconds of a bag fitted, of its trees alone, most memory in GB until the bag was fitted) on so many examples: the
    night's pairs, drawn again and again, with answers by chance. What is learned is nothing; what it costs does not hang on that."""
    seconds, peak, x, y, parameters = _bag_fitted(platform, examples)
    chosen = np.sort(np.random.default_rng(1).permutation(examples)[: int(TrainingConfig().bag_share * examples)])
    x, y = x[chosen], y[chosen]
    alone = processor(lambda: xgb.train(parameters, xgb.QuantileDMatrix(x, y, max_bin=64), ROUNDS))
    return seconds, alone, peak


def _bag_fitted(platform: Platform, examples: int) -> tuple[float, float, Matrix, Values, dict[str, object]]:
    """(processor seconds, most memory in GB, matrix, answers, parameters of the trees). The table of examples is gone: of ten million rows
    there is no room for it beside two matrices."""
    rng = np.random.default_rng(1)
    held = _first(pair_rows_of(platform, platform.night(KEY)), examples)
    names = tuple(name for name in NAMED_INPUTS if name in held.column_names)
    drawn = np.sort(rng.integers(held.num_rows, size=examples))
    rows = held.select(names).take(pa.array(drawn))
    members = np.asarray(held["member_id"].to_pylist(), dtype=object)[drawn]
    held = None  # with ten million rows the memory is full
    y = (rng.random(examples) < ANSWERED).astype(np.float64)
    config = TrainingConfig(bags=1, unanswered=10**6)
    fitted: list[Ensemble] = []

    def ours() -> None:
        inputs = Inputs.seen_in(rows, names, CATEGORICAL)
        fitted.append(fit_bags(inputs.matrix(rows), y, members, inputs, ROUNDS, config))

    seconds, peak = processor(ours), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return seconds, peak, fitted[0].inputs.matrix(rows), y, _parameters(fitted[0])


def _first(batches: Iterator[pa.RecordBatch], examples: int) -> pa.Table:
    """So many of the rows, or all there are."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(_plain(batch))
        if sum(part.num_rows for part in held) >= examples:
            break
    return pa.Table.from_batches(held)


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch as a table of examples comes: without dictionaries, amounts in four bytes."""
    columns: dict[str, pa.Array] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        plain = column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column
        columns[name] = plain.cast(pa.float32()) if pa.types.is_floating(plain.type) else plain
    return pa.RecordBatch.from_pydict(columns)


def _parameters(of: Ensemble) -> dict[str, object]:
    config = TrainingConfig()
    return {
        "objective": "binary:logistic", "eta": config.learning_rate, "max_depth": config.depth, "min_child_weight": config.leaf_weight,
        "subsample": 0.7, "colsample_bytree": config.columns, "lambda": 5.0, "max_bin": 64, "nthread": config.threads,
    }  # fmt: skip


def measured(folder: Path, rounds: int, examples: Sequence[int]) -> Iterator[dict[str, object]]:
    """A row a comparison: the median of the rounds; of many examples there is one."""
    platform = platform_of(folder)
    features = [(*features_by_hand(platform), 0.0) for _ in range(rounds)]
    yield _row("features beside SQL by hand", folder, features, "at most 1.2", 0)
    for many in examples:
        runs = [training_alone(platform, many) for _ in range(rounds if many < MANY else 1)]
        yield _row("training beside XGBoost alone", folder, runs, "", many)


def _row(
    name: str, folder: Path, runs: Sequence[tuple[float, float, float]], limit: str, examples: int
) -> dict[str, object]:
    mine, other, peak = (median(run[part] for run in runs) for part in range(3))
    return {"comparison": name, "members": folder.name, "ours": round(mine, 3), "peer": round(other, 3),
            "ratio": round(median(one / two for one, two, _ in runs), 3), "limit": limit, "rounds": len(runs), "examples": examples,
            "peak_gb": round(peak, 1), "load": f"{os.getloadavg()[0]:.1f}"}  # fmt: skip


def main() -> None:
    """Print each comparison, and save them where that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", default="10000", help="a size that benchmarks.night has measured, of one shard")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--examples", type=int, nargs="*", default=[200_000], help="how many to train on, all held in memory"
    )
    parser.add_argument("--work", type=Path, default=Path("/tmp/hemsil-bench"))
    parser.add_argument("--save", type=Path)
    given = parser.parse_args()
    rows = []
    for row in measured(given.work / given.members, given.rounds, given.examples):
        print(", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
        rows.append(row)
    save(rows, given.save)


if __name__ == "__main__":
    main()
