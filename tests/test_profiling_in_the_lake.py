"""Of who may not be profiled nothing is worked out: no feature table of the lake has a row of them."""

from pathlib import Path

import pytest

from ml.club import Club, visible
from ml.examples import night_asks
from ml.feature_dictionary import FEATURE_TABLES
from ml.lake_tables import ASKS
from ml.shards import shards_in
from ml.source_tables import SOURCE_TABLES
from resources.night_shards import parts_of_features, prepare_features, write_features
from resources.platform import SHARDS, Platform
from resources.settings import Settings
from tests.past_world import NIGHT, shop

WILLING = {"ada", "dina"}
OF_MEMBERS = [table for table in FEATURE_TABLES if "member_id" in table.names]


def club() -> Club:
    """Everybody buys, is mailed, answers and tells of themselves; Ada and Dina alone consent to being profiled."""
    everybody = ("ada", "bo", "carl", "dina", "eva")
    lines = "\n".join
    return shop(
        members=lines(["member_id", *everybody]),
        consents="""
            member_id | purpose   | channel | granted | recorded_at
            ada       | profiling | all     | yes     | 2023-01-01T12:00
            bo        | profiling | all     | yes     | 2023-01-01T12:00
            bo        | profiling | all     | no      | 2024-03-01T12:00
            carl      | marketing | all     | yes     | 2023-01-01T12:00
            dina      | profiling | all     | no      | 2023-01-01T12:00
            dina      | profiling | all     | yes     | 2023-02-01T12:00""",
        transactions=lines(
            ["transaction_id | member_id | product_id | occurred_at"]
            + [
                f"{name}-{day} | {name} | {thing} | {day}T12:00"
                for name in everybody
                for day, thing in (("2024-02-01", "beans"), ("2024-03-01", "loaf"))
            ]
        ),
        mailings=lines(
            ["member_id | campaign_id | sent_at", *(f"{name} | winter | 2024-01-08T08:00" for name in everybody)]
        ),
        responses=lines(
            ["member_id | campaign_id | offer_id | occurred_at"]
            + [f"{name} | winter | w-beans | 2024-01-20T12:00" for name in everybody]
        ),
        declared_facts=lines(
            ["member_id | fact | value | declared_at"]
            + [f"{name} | interest | COFFEE | 2024-01-01T12:00" for name in everybody]
        ),
    )


def night_in(home: Path, shards: int) -> Platform:
    """A lake with the club's tables, asks and features of the night."""
    platform = Platform(Settings(home=home))
    known = visible(club(), NIGHT)
    for table in SOURCE_TABLES:
        notes = {SHARDS: str(shards), "recorded": "yes" if table.name in known.recorded else "no"}
        platform.lake.write(table, NIGHT.key, getattr(known, table.name), shards=shards, notes=notes)
    platform.lake.write(ASKS, NIGHT.key, night_asks(known, NIGHT).select(*ASKS.names), shards=shards)
    notes = prepare_features(platform, NIGHT)
    for shard in shards_in(shards):
        write_features(platform, NIGHT, shard, notes)
    for name, parts in parts_of_features(shards).items():
        platform.lake.finish_parts(next(t for t in FEATURE_TABLES if t.name == name), NIGHT.key, parts)
    return platform


@pytest.fixture(scope="module", params=[1, 2], ids=["whole", "in shards"])
def platform(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    return night_in(tmp_path_factory.mktemp("home"), request.param)


def test_everybody_is_asked_about(platform: Platform) -> None:
    asked = platform.lake.read(ASKS, NIGHT.key).to_pyarrow()["member_id"].to_pylist()
    assert set(asked) == {"ada", "bo", "carl", "dina", "eva"}


def test_a_lake_table_of_features_has_rows_of_those_alone_who_consented_to_profiling(platform: Platform) -> None:
    rows = {t.name: platform.lake.read(t, NIGHT.key).to_pyarrow()["member_id"].to_pylist() for t in OF_MEMBERS}
    assert {name: set(members) for name, members in rows.items()} == {t.name: WILLING for t in OF_MEMBERS}
    assert len(OF_MEMBERS) == 5
