"""A file of consents between two nights: heard whole or not at all, once however often it comes."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ml.errors import ContractError, SettingsError
from resources.batches import Batch
from resources.consent_feed import Heard, hear
from resources.erasure import digest, erasure_key
from resources.marts import Marts
from resources.platform import Platform
from resources.settings import Settings
from tests.batch_rows import a_batch, publish, rows
from tests.test_claims import TONIGHT

HEADER = "member_id,purpose,channel,granted,recorded_at,source\n"
WHO = "SELECT DISTINCT member_id FROM marts.offer_table ORDER BY 1"


@pytest.fixture
def platform(marts: Marts, home: Path) -> Iterator[Platform]:
    url = marts.engine.url.render_as_string(hide_password=False)
    opened = Platform(Settings(home=home, database_url=url))
    yield opened
    opened.marts.engine.dispose()


def feed(tmp_path: Path, lines: str) -> Path:
    path = tmp_path / "consents.csv"
    path.write_text(HEADER + lines)
    return path


def test_who_says_no_in_the_file_is_gone_at_the_next_select_and_a_second_time_changes_nothing(
    marts: Marts, platform: Platform, tmp_path: Path
) -> None:
    publish(marts)
    file = feed(
        tmp_path,
        "anna,marketing,all,false,2026-01-01T08:00:00Z,shop\nberit,profiling,all,false,2026-01-01T08:00:00Z,shop\n",
    )
    assert hear(platform, file, "shop") == Heard(rows=1, new=1, erased=0)
    assert rows(marts.engine, WHO) == [("berit",)]
    assert hear(platform, file, "shop") == Heard(rows=1, new=0, erased=0)
    assert rows(marts.engine, "SELECT count(*) FROM live.events") == [(1,)]


@pytest.mark.promise("F9")
def test_three_deliveries_out_of_order_end_as_the_latest_word_says(
    marts: Marts, platform: Platform, tmp_path: Path
) -> None:
    publish(marts)
    for day, granted in ((3, "true"), (1, "false"), (2, "false"), (3, "true")):
        hear(platform, feed(tmp_path, f"anna,marketing,all,{granted},2026-01-0{day}T08:00:00Z,shop\n"), "shop")
    assert rows(marts.engine, WHO) == [("anna",), ("berit",)]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("anna,marketing,fax,false,2026-01-01T08:00:00Z,x", "line 3: channel"),
        ("anna,marketing,all,no,2026-01-01T08:00:00Z,x", "line 3: granted"),
        ("anna,marketing,all,false,yesterday,x", "line 3: recorded_at is not a time"),
        ("anna,marketing,all,false,2999-01-01T08:00:00Z,x", "line 3: recorded_at is later than now"),
        (",marketing,all,false,2026-01-01T08:00:00Z,x", "line 3: member_id"),
        ("anna,spam,all,false,2026-01-01T08:00:00Z,x", "line 3: purpose"),
    ],
)
def test_one_bad_row_and_nothing_of_the_file_is_taken(
    marts: Marts, platform: Platform, tmp_path: Path, line: str, says: str
) -> None:
    good = "berit,marketing,all,false,2026-01-01T08:00:00Z,shop\n"
    with pytest.raises(ContractError, match=says):
        hear(platform, feed(tmp_path, good + line + "\n"), "shop")
    assert rows(marts.engine, "SELECT (SELECT count(*) FROM live.events), (SELECT count(*) FROM live.feeds)") == [
        (0, 0)
    ]


def test_a_missing_column_or_file_is_named(marts: Marts, platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("member_id,channel\n")
    with pytest.raises(ContractError, match="lacks the columns purpose, granted, recorded_at"):
        hear(platform, tmp_path / "x.csv", "shop")
    with pytest.raises(SettingsError, match="cannot be read"):
        hear(platform, tmp_path / "y.csv", "shop")


def test_an_erased_member_does_not_come_back_by_a_file(marts: Marts, platform: Platform, tmp_path: Path) -> None:
    key = erasure_key(platform.settings.erasure_key)
    rows(marts.engine, "INSERT INTO live.erased VALUES (:d, 'asked')", d=digest(key, "anna"))
    file = feed(tmp_path, "anna,marketing,all,true,2026-01-01T08:00:00Z,shop\n")
    assert hear(platform, file, "shop") == Heard(rows=1, new=0, erased=1)
    assert rows(marts.engine, "SELECT count(*) FROM live.events") == [(0,)]


def stale_tonight() -> Batch:
    heard = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=25)
    return a_batch(TONIGHT, shown_hours=48.0, consents_until=heard, consents_hours=24.0)


@pytest.mark.parametrize(("hours", "shown"), [(1, 3), (25, 0)])
def test_a_fresh_file_brings_tonights_batch_back_into_sight_and_an_old_one_does_not(
    marts: Marts, platform: Platform, tmp_path: Path, hours: int, shown: int
) -> None:
    publish(marts, stale_tonight())
    file = feed(tmp_path, "dora,marketing,all,true,2026-01-01T08:00:00Z,shop\n")
    then = datetime.now(UTC).timestamp() - hours * 3600
    os.utime(file, (then, then))
    hear(platform, file, "shop")
    assert rows(marts.engine, "SELECT count(*) FROM marts.offer_table") == [(shown,)]
