"""A night in shards is the same night: whichever their number, whatever becomes of one of them."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ml.club import Club, visible
from ml.club_wide import wide_features
from ml.errors import InputError, NotInLake
from ml.examples import night_asks
from ml.feature_dictionary import FEATURE_TABLES
from ml.features import ANSWERS, feature_tables
from ml.features_offer_sums import offer_sums, together
from ml.kept import keep
from ml.shards import Shard, shard_count, shards_in, shards_needed
from ml.source_tables import SOURCE_TABLES
from ml.tables import Column, Table, Type
from resources.home import prepare_home
from resources.lake import Lake
from tests.installation import Installation, installation
from tests.killed_shard import marker, score_job
from tests.past_world import club_by_taste, on_engine, shop
from tests.small_club import MEMBERS, small_club
from tests.whole_night import NIGHT, failure_of, run_job

DAY = "2024-01-01"
SPEND = Table("spend", "For these tests.", ("member_id",), (Column("member_id", Type.STRING, "The member.", personal=True), Column("spend", Type.NUMBER, "Spent.")))  # fmt: skip
SOURCES = [*(t.name for t in SOURCE_TABLES), "quarantine"]
COMPARED = ("asks", "member_features", "member_offer_features", "scores", "decisions", "offers_to_send", "suppressions")
DECIDED = [*SOURCES, *(t.name for t in FEATURE_TABLES), *(name for name in COMPARED if "features" not in name)]


def spend(members: int = 500) -> ibis.Table:
    return ibis.memtable(pa.table({"member_id": [f"m{n}" for n in range(members)], "spend": np.arange(float(members))}))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path, ibis.duckdb.connect())


@pytest.mark.parametrize("count", [1, 2, 7])
def test_every_member_is_in_one_shard_and_shards_are_about_alike(count: int) -> None:
    sizes = [shard.part_of(spend()).count().to_pyarrow().as_py() for shard in shards_in(count)]
    assert sum(sizes) == 500
    assert min(sizes) > 0.7 * 500 / count


def test_a_small_club_is_one_shard_and_a_large_one_many() -> None:
    assert [shard_count(members, 50_000) for members in (0, 2_469, 50_000, 50_001, 1_000_000)] == [1, 1, 1, 2, 20]


def test_a_club_in_which_a_person_has_several_ids_stays_whole() -> None:
    """What one id refuses must be heard by the other, which may be in another shard."""
    ids = "member_id | person_id\nada | -\nbo | p1\ncarl | {}"
    assert shards_needed(shop(members=ids.format("p2")), 2) == 2
    assert shards_needed(shop(members=ids.format("p1")), 2) == 1


@pytest.mark.parametrize("name", ["part-0-of-1", "part-6-of-7"])
def test_a_shards_name_tells_which_it_is(name: str) -> None:
    assert Shard.named(name).name == name


@pytest.mark.parametrize("name", ["part-7-of-7", "part-one", "part-0"])
def test_a_name_of_no_shard_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="shard"):
        Shard.named(name)


@pytest.mark.parametrize("count", [2, 7])
def test_a_table_written_by_shard_is_read_whole_and_by_any_division(lake: Lake, count: int) -> None:
    manifest = lake.write(SPEND, DAY, spend(), shards=count)
    assert manifest.rows == 500
    assert set(manifest.files) == {f"{shard.name}.parquet" for shard in shards_in(count)}
    for divided in (count, 3):
        read = [lake.read(SPEND, DAY, shard).order_by("member_id").to_pyarrow() for shard in shards_in(divided)]
        asked = [shard.part_of(spend()).order_by("member_id").to_pyarrow() for shard in shards_in(divided)]
        assert [t.to_pylist() for t in read] == [t.to_pylist() for t in asked]


def test_a_table_with_a_shard_missing_is_not_there(lake: Lake) -> None:
    lake.write_part(SPEND, DAY, Shard(0, 2), Shard(0, 2).part_of(spend()))
    with pytest.raises(NotInLake, match="part-1-of-2 was not written"):
        lake.finish_parts(SPEND, DAY, 2)
    assert not lake.has("spend", DAY)
    lake.write_part(SPEND, DAY, Shard(1, 2), Shard(1, 2).part_of(spend()))
    assert lake.finish_parts(SPEND, DAY, 2).rows == 500


def test_parts_that_a_killed_night_left_are_deleted_and_those_being_written_are_not(lake: Lake) -> None:
    for day in (DAY, "2024-01-02"):
        lake.write_part(SPEND, day, Shard(0, 2), spend())
    old = lake.root / "spend" / f".parts.business_date={DAY}"
    for path in (old, *old.rglob("*")):
        os.utime(path, (0, 0))
    assert lake.clear_parts() == 1
    assert not old.exists()
    assert lake.read_part(SPEND, "2024-01-02", Shard(0, 2)).count().to_pyarrow().as_py() == 500


def test_features_of_the_shards_are_those_of_the_club() -> None:
    """What is the same for all members is reckoned of the whole club once."""
    club, night = club_by_taste(members=60, campaigns=4)
    seen = visible(on_engine(club), night)
    asks = keep(night_asks(seen, replace(night, business_date=seen.campaigns.starts_on.max().to_pyarrow().as_py())))
    whole = feature_tables(seen, asks).tables()
    clubs = {shard: Club.of({n: shard.part_of(table) for n, table in seen.tables().items()}) for shard in shards_in(3)}
    asked = asks.select("as_of", "campaign_id").distinct()
    sums = together([offer_sums(part, asked, one_moment=True) for part in clubs.values()])
    wide = wide_features(seen, asks, ANSWERS, sums)
    for shard, part in clubs.items():
        of_shard = feature_tables(part, shard.part_of(asks), wide=wide).tables()
        for name, table in whole.items():
            keys = [c for c in table.columns if c.endswith("_id") or c == "category"]
            same(of_shard[name].to_pandas(), shard.part_of(table).to_pandas(), keys)


def same(got: pd.DataFrame, expected: pd.DataFrame, keys: list[str]) -> None:
    """The same rows, amounts to nine digits: sums of the same amounts in another order differ beyond."""
    ordered = [frame.sort_values(keys).reset_index(drop=True) for frame in (got, expected)]
    assert len(expected) > 0
    pd.testing.assert_frame_equal(*ordered, check_exact=False, rtol=1e-9, atol=1e-12)


@pytest.fixture(scope="module")
def night() -> Iterator[Installation]:
    """A night decided by rules, in one shard."""
    with installation() as at:
        at.hand_in(small_club())
        prepare_home(at.settings)
        decided(at, DECIDED)
        yield at


def decided(at: Installation, assets: list[str]) -> None:
    result = run_job(at, "nightly", NIGHT, only=assets)
    assert result.success, failure_of(result)


def in_shards(night: Installation, count: int, **more: str) -> Installation:
    return replace(night, more={"HEMSIL_MEMBERS_A_SHARD": str(-(-MEMBERS // count)), **more})


def lake_of(at: Installation) -> dict[str, pd.DataFrame]:
    read = {}
    for name in COMPARED:
        files = sorted((at.home / "lake" / name / f"business_date={NIGHT}").glob("*.parquet"))
        read[name] = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    return read


def told(table: pd.DataFrame) -> pd.DataFrame:
    """With what is nested as text, so that it can be compared."""
    return table.assign(**{name: table[name].map(str) for name in ("failures", "reasons") if name in table})


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 7])
def test_a_night_in_shards_decides_as_one_of_one_shard_does(night: Installation, count: int) -> None:
    before = lake_of(night)
    decided(in_shards(night, count), DECIDED)
    assert len(list((night.home / "lake" / "decisions" / f"business_date={NIGHT}").glob("part-*"))) == count
    after = lake_of(night)
    for name, table in before.items():
        keys = [k for k in ("campaign_id", "member_id", "offer_id", "channel", "slot") if k in table]
        same(told(after[name]), told(table), keys)


@pytest.mark.slow
@pytest.mark.timeout(900)  # a process for each of some thirty steps, on a machine that may be busy
def test_a_shard_whose_process_is_killed_is_worked_on_again_alone(night: Installation) -> None:
    before = lake_of(night)
    divided = in_shards(night, 3, HEMSIL_EXECUTOR="multiprocess")
    decided(divided, [*SOURCES, "asks"])
    with divided.as_environment(), dg.DagsterInstance.get() as instance:
        done = dg.execute_job(dg.reconstructable(score_job), instance=instance, tags={"dagster/partition": NIGHT})
    assert marker(night.home).exists()
    assert done.success
    steps = [f"{name}.{name}_of_shard[part_{n}_of_3]" for name in ("features", "scores", "decisions") for n in range(3)]
    assert sorted(key for key in begun(done, "STEP_START") if "_of_shard" in key) == sorted(steps)  # each once
    assert begun(done, "STEP_RESTARTED") == ["features.features_of_shard[part_1_of_3]"]
    after = lake_of(night)
    for name in ("decisions", "offers_to_send", "suppressions"):
        keys = [k for k in ("campaign_id", "member_id", "offer_id", "channel", "slot") if k in before[name]]
        same(told(after[name]), told(before[name]), keys)
    decided(divided, ["published_batch"])
    listed = ["member_id", "slot", "campaign_id", "offer_id", "channel"]
    expected = before["offers_to_send"][listed].sort_values(listed).itertuples(index=False, name=None)
    assert night.rows(f"select {', '.join(listed)} from marts.offer_table order by 1, 2, 3") == list(expected)


def begun(done: dg.JobExecutionResult, how: str) -> list[str]:
    """The steps that began so, once for each time."""
    return [str(event.step_key) for event in done.all_events if event.event_type_value == how]
