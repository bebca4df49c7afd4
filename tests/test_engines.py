"""What DuckDB and Spark make of the same club is the same: features, examples, scores, the ledger and what is published of
it; and each reads what the other wrote. Tests marked both_engines in other modules run on either.
"""

import gc
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ibis.backends.duckdb import Backend
from ibis.backends.sql import SQLBackend

from ml.club import Club, visible
from ml.days import days_after, local_day
from ml.decide import decide
from ml.decision_lists import offer_table, suppression_list
from ml.examples import mailing_rows, night_asks, offer_rows, offered, training_rows
from ml.feature_dictionary import FEATURE_TABLES
from ml.features import feature_tables
from ml.fitting import grow_here
from ml.kept import keep
from ml.lake_tables import DECISIONS, SCORES
from ml.night import Night
from ml.policy import Policy
from ml.reask import reask_list
from ml.scoring import SCORED, score
from ml.tables import Column, Table, Type
from ml.training import fit_model
from ml.training_config import TrainingConfig
from ml.wording import figure
from resources.engine import handed_to, lacking_for_spark, open_duckdb, open_engine
from resources.lake import Lake
from resources.scorer import Chosen, score_on_workers
from resources.settings import CHECKOUT, Settings
from tests.engines import arrow_of, arrow_of_frames, club_on, differences, on_engine
from tests.past_world import OSLO, club_by_taste
from tests.situations import NIGHT as DAY
from tests.situations import POLICY, written

ASK = ("as_of", "campaign_id", "member_id")
PAIR = ("campaign_id", "member_id", "offer_id")
KEYS = {table.name: ("as_of", *table.key) for table in FEATURE_TABLES}


@dataclass(frozen=True)
class Both:
    """DuckDB and Spark, and a folder of their tables."""

    duckdb: Backend
    spark: SQLBackend
    folder: Path

    def clubs(self, name: str, tables: Mapping[str, pa.Table]) -> tuple[Club, Club]:
        return tuple(club_on(engine, tables, self.folder / name) for engine in (self.duckdb, self.spark))


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    lacking = lacking_for_spark("local[2]")
    if lacking:
        pytest.skip("; ".join(lacking))
    with tempfile.TemporaryDirectory(prefix="hemsil-test-") as name:
        folder = Path(name)
        settings = Settings(home=folder / "home", threads=2, memory_limit="2GB")
        spark = open_engine(settings.model_copy(update={"engine": "local[2]"}))
        yield Both(open_duckdb(settings), spark, folder)


@pytest.fixture(scope="module")
def situations(both: Both) -> tuple[Club, Club]:
    """A member for every situation, see situations.py."""
    return both.clubs("situations", arrow_of_frames(written().frames(), both.folder / "csv", both.duckdb))


@pytest.fixture(scope="module")
def tastes(both: Both) -> tuple[Club, Club]:
    """Members who buy and answer by taste."""
    return both.clubs("tastes", arrow_of(club_by_taste(members=60, campaigns=5)[0]))


BEFORE = Night(DAY, OSLO)
spark = [pytest.mark.spark, pytest.mark.slow, pytest.mark.timeout(900)]


def with_marks(test: Callable[..., None]) -> Callable[..., None]:
    for mark in spark:
        test = mark(test)
    return test


def same(make: Callable[[Club], ir.Table], clubs: tuple[Club, Club], keys: tuple[str, ...]) -> None:
    one, other = (make(club).to_pyarrow() for club in clubs)
    assert one.num_rows > 0
    assert differences(one, other, keys) == []


@with_marks
@pytest.mark.parametrize("which", ["situations", "tastes"])
def test_every_feature_is_the_same_on_either_engine(which: str, request: pytest.FixtureRequest) -> None:
    clubs = request.getfixturevalue(which)
    night = BEFORE if which == "situations" else club_by_taste(members=1, campaigns=5)[1]
    night = night if which == "situations" else Night(clubs[0].campaigns.starts_on.max().to_pyarrow().as_py(), OSLO)
    known = [visible(club, night) for club in clubs]
    made = [feature_tables(club, night_asks(club, night)).tables() for club in known]
    for name, table in made[0].items():
        one, other = table.to_pyarrow(), made[1][name].to_pyarrow()
        assert one.num_rows > 0, name
        assert (name, differences(one, other, KEYS[name])) == (name, [])


@with_marks
def test_training_examples_are_the_same_on_either_engine(tastes: tuple[Club, Club]) -> None:
    night = club_by_taste(members=1, campaigns=5)[1]
    one, other = (training_rows(visible(club, night), night) for club in tastes)
    assert one.kind == other.kind == "choice"
    assert differences(one.mailings, other.mailings, ASK) == []
    assert differences(one.offers, other.offers, (*ASK, "offer_id")) == []


@with_marks
def test_workers_score_as_one_process_does(both: Both, tastes: tuple[Club, Club]) -> None:
    night = club_by_taste(members=1, campaigns=5)[1]
    known = [visible(club, night) for club in tastes]
    rows = training_rows(known[0], night)
    config = TrainingConfig(bags=2, most_rounds=20, blocks=2, least_mailings=100, least_answers=20)
    model = fit_model(rows.mailings, rows.offers, night.as_of, config, rows.kind).model
    tonight = Night(known[0].campaigns.starts_on.max().to_pyarrow().as_py(), OSLO)
    asks = [night_asks(club, tonight) for club in known]
    pairs = [offer_rows(club, offered(club, ask)) for club, ask in zip(known, asks, strict=True)]
    mailings = mailing_rows(known[0], asks[0]).to_pyarrow()
    here = score(model, [mailings], [pairs[0].order_by(*PAIR).to_pyarrow()], "1")
    there = score_on_workers(both.spark, pairs[1], Chosen(model, "1", "A", ""))
    assert differences(pa.Table.from_batches(here, SCORED), there.to_pyarrow(), PAIR) == []


@with_marks
def test_what_workers_are_to_work_on_is_kept_until_they_have(both: Both) -> None:
    rows = keep(on_engine(both.spark, pa.table({"member_id": ["ada", "bo"]}), both.folder / "kept.parquet"))
    kept = set(both.spark.scratch.iterdir())
    worked = both.spark.map_batches(
        rows, ["member_id"], ["member_id"], lambda rows: rows, pa.schema({"member_id": pa.string()})
    )
    del rows
    gc.collect()
    assert worked.order_by("member_id").to_pyarrow().to_pylist() == [{"member_id": "ada"}, {"member_id": "bo"}]
    del worked
    gc.collect()
    assert set(both.spark.scratch.iterdir()) < kept


@with_marks
def test_a_worker_grows_the_trees_that_are_grown_here(both: Both) -> None:
    from resources.engine_spark_training import grow_on

    drawn = np.random.default_rng(1)
    x = drawn.normal(size=(600, 5)).astype(np.float32)
    x[drawn.random(x.shape) < 0.1] = np.nan
    y = (drawn.random(600) < 1 / (1 + np.exp(-2 * np.nan_to_num(x[:, 0])))).astype(float)
    parameters: dict[str, object] = {
        "objective": "binary:logistic", "eta": 0.05, "max_depth": 4, "min_child_weight": 8.0, "subsample": 0.7,
        "colsample_bytree": 0.4, "lambda": 5.0, "max_bin": 64, "nthread": 1, "base_score": 0.5, "seed": 7,
        "monotone_constraints": "(1,0,0,0,0)",
    }  # fmt: skip
    here, there = (
        grow(x, np.arange(600), y, np.ones(600), 5, parameters) for grow in (grow_here, grow_on(both.spark.session, 1))
    )
    assert np.ptp(here.inplace_predict(x)) > 0.05  # they have learned something
    assert np.array_equal(here.inplace_predict(x), there.inplace_predict(x))


@with_marks
def test_a_worker_killed_in_the_middle_changes_nothing(both: Both, tastes: tuple[Club, Club]) -> None:
    folder = both.folder / "lost"
    (folder / "club").mkdir(parents=True)
    for path in (both.folder / "tastes").glob("*.parquet"):
        shutil.copy(path, folder / "club")
    tonight = tastes[0].campaigns.starts_on.max().to_pyarrow().as_py()
    command = [sys.executable, "-m", "tests.lost_worker", str(folder), tonight.isoformat()]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=CHECKOUT, timeout=800)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert ended.stdout.splitlines()[-1] == "killed one of 2 workers"
    night = Night(tonight, OSLO)
    for name, table in feature_tables(tastes[0], night_asks(tastes[0], night)).tables().items():
        other = pq.read_table(folder / f"{name}.features")
        assert (name, differences(table.to_pyarrow(), other, KEYS[name])) == (name, [])


def scores_by_chance(pairs: list[dict[str, str]]) -> pa.Table:
    """`SCORES` of the pairs, drawn, with many that are equal."""
    drawn = random.Random(1)
    whole = {(p["campaign_id"], p["member_id"]): drawn.choice([0.05, 0.3, 0.4, 0.6, 0.8]) for p in pairs}
    rows = [
        {**p, "mailing_relevance": m, "relevance": m * drawn.choice([0.1, 0.5, 0.9]), "relevance_low": m / 2,
         "speaks_for": drawn.choice([None, "affinity", "response"]), "model_version": "1"}
        for p in pairs for m in [whole[p["campaign_id"], p["member_id"]]]
    ]  # fmt: skip
    held = [{name: row.get(name) for name in SCORES.names} for row in rows]
    return pa.Table.from_pylist(held, schema=SCORES.schema.to_pyarrow())


@with_marks
def test_the_ledger_and_what_is_published_are_the_same_on_either_engine(
    both: Both, situations: tuple[Club, Club]
) -> None:
    policy = Policy.parse(POLICY.replace("_share = 0.0 ", "_share = 0.2 "))
    assert policy.chance.control_share == policy.chance.exploration_share == 0.2
    known = [visible(club, BEFORE) for club in situations]
    pairs = offered(known[0], night_asks(known[0], BEFORE)).select(*PAIR).order_by(*PAIR).to_pyarrow().to_pylist()
    drawn = scores_by_chance(pairs)
    made = []
    for engine, club in zip((both.duckdb, both.spark), known, strict=True):
        scores = on_engine(engine, drawn, both.folder / "scores.parquet")
        asks = night_asks(club, BEFORE)
        held = decide(club, BEFORE, scores, policy, threshold=0.2, asks=asks).to_pyarrow()
        ledger = on_engine(engine, held, both.folder / f"ledger-{engine.name}.parquet").cast(DECISIONS.schema)
        audience = asks.select("campaign_id", "member_id")
        lists = (
            offer_table(ledger, club, BEFORE),
            suppression_list(ledger, audience, policy, "1"),
            reask_list(club, BEFORE, policy),
        )
        made.append((held, *(each.to_pyarrow() for each in lists)))
    for one, other, keys in zip(*made, [(*PAIR, "channel"), PAIR, PAIR[:2], ("member_id", "fact")], strict=True):
        assert one.num_rows > 0
        assert differences(one, other, keys) == []


KINDS = Table(
    "kinds",
    "A column of every type.",
    ("name",),
    (
        Column("name", Type.STRING, "A name."),
        *(
            Column(kind.name.lower(), kind, "Of this type.", nullable=True)
            for kind in Type
            if kind not in (Type.STRING, Type.JSON)
        ),
    ),
)


@with_marks
@pytest.mark.parametrize("first", ["duckdb", "spark"])
def test_each_engine_reads_what_the_other_has_written(both: Both, first: str, tmp_path: Path) -> None:
    values = {
        "integer": 3, "number": 0.1, "money": 12, "boolean": True, "time": datetime(2024, 3, 15, 1, 2, 3, 456789),
        "date": DAY, "strings": ["a", "b"], "failures": [{"code": "NOT_DUE", "margin": -0.5}],
    }  # fmt: skip
    rows = [{"name": "full", **values}, {"name": "empty", **dict.fromkeys(values)}]
    held = pa.Table.from_pylist(rows, schema=KINDS.schema.to_pyarrow())
    engines = (both.duckdb, both.spark) if first == "duckdb" else (both.spark, both.duckdb)
    lakes = [Lake(tmp_path / "lake", engine) for engine in engines]
    lakes[0].write(KINDS, "2024-03-15", on_engine(engines[0], held, tmp_path / "rows.parquet"))
    assert lakes[1].read(KINDS, "2024-03-15").order_by(ibis.desc("name")).to_pyarrow().to_pylist() == held.to_pylist()
    lakes[0].write(KINDS, "2024-03-16", on_engine(engines[0], held, tmp_path / "rows.parquet").limit(0))
    assert lakes[1].read(KINDS, "2024-03-16").count().to_pyarrow().as_py() == 0


@with_marks
def test_what_spark_by_itself_would_take_otherwise(both: Both) -> None:
    at = datetime(2024, 3, 15, 1, 2, 3, 250_000)
    values = [0.1, 0.2, 1e-4, 2.5, -2.5, 1234567.125]
    held = pa.table(
        {"x": values, "odd": [float("nan")] * len(values), "at": pa.array([at] * len(values), pa.timestamp("us"))}
    )
    night = Night(DAY, OSLO)
    found = []
    for engine in (both.duckdb, both.spark):
        t = on_engine(engine, held, both.folder / "numbers.parquet")
        t = t.select(
            x="x", sum=t.x + 0.2, share=t.x / 3.0, text=t.x.cast("string"), said=figure(t.x, 2), whole=t.x.round(),
            unknown=t.odd.isnull(), seconds=t.at.epoch_seconds().cast("float64"), day=days_after(local_day(t.at, night), 3),
        )  # fmt: skip
        found.append(sorted(map(str, t.to_pyarrow().to_pylist())))
    assert found[0] == found[1]
    assert any("'text': '0.0001'" in row and "1710464523.25" in row for row in found[0])


def test_rows_of_one_engine_are_handed_to_another_and_its_own_are_left_as_they_are(tmp_path: Path) -> None:
    one, other = (open_duckdb(Settings(home=tmp_path / name)) for name in ("one", "other"))
    told = on_engine(one, pa.table({"member_id": ["ada"], "said": ["no"]}), tmp_path / "said.parquet")
    known = on_engine(other, pa.table({"member_id": ["ada", "bo"]}), tmp_path / "known.parquet")
    met = known.inner_join(handed_to(other, told), "member_id")
    assert other.to_pyarrow(met.select("member_id", "said")).to_pylist() == [{"member_id": "ada", "said": "no"}]
    assert handed_to(one, told) is told
