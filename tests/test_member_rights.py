"""A member asks what is known, objects, and is erased: from the database, its files, the lake, exports; and stays away."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from ml.errors import ModelOutlived
from resources.platform import Platform
from resources.registry import ERASED_SINCE
from resources.retention import delete_outlived
from tests.installation import Installation, installation
from tests.small_club import MARK, small_club
from tests.whole_night import EARLIER, NIGHT

ANNA, BERIT = "kdzerasethis0001", "kdzobject0002"  # in no other text, so that a trace of them is easily found


def renamed(frames: dict[str, object]) -> dict[str, object]:
    """The small club with two members under ids of their own."""
    ids = {f"{MARK}0001": ANNA, f"{MARK}0002": BERIT}
    return {name: frame.replace(ids) for name, frame in frames.items()}  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def club() -> Iterator[Installation]:
    with installation() as at:
        at.hand_in(renamed(small_club()))  # type: ignore[arg-type]
        answer = at.call("nightly", "--as-of", EARLIER)
        assert answer.code == 0, answer.text
        yield at


def in_the_database(at: Installation, text: str) -> list[str]:
    """Tables of every schema with a row that has the text in any column."""
    tables = at.rows(
        "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables WHERE table_type = 'BASE TABLE'"
        " AND table_schema NOT IN ('information_schema')"
    )
    return [t for (t,) in tables if at.one(f"SELECT count(*) FROM {t} x WHERE x::text LIKE %s", f"%{text}%")]


def in_the_lake(at: Installation, text: str) -> list[str]:
    found = []
    for path in (at.home / "lake").rglob("*.parquet"):
        [(hits,)] = duckdb.sql(f"SELECT count(*) FROM '{path}' t WHERE t::text LIKE '%{text}%'").fetchall()
        if hits:
            found.append(path.parent.parent.name)
    return sorted(set(found))


def in_files(at: Installation, text: str) -> list[str]:
    """Files of the data folder, PostgreSQL's own among them, in which the bytes of the text stand."""
    return [
        str(path.relative_to(at.home))
        for path in at.home.rglob("*")
        if path.is_file() and text.encode() in path.read_bytes()
    ]


def test_access_tells_everything_and_only_to_who_asks(club: Installation) -> None:
    target = club.folder / "anna.json"
    target.touch(mode=0o644)
    club.call("access", ANNA, "--to", str(target))
    known = json.loads(target.read_text())
    assert target.stat().st_mode & 0o777 == 0o600
    assert {"members", "transactions", "mailings", "decisions"} <= set(known["lake"])
    assert known["lake"]["members"]["rows"][0]["member_id"] == ANNA
    assert set(known["database"]) & {"offers published", "stopped, and why"}
    assert "nothing is known of such a member" in club.call("access", "nobody").text


@pytest.mark.promise("R11")
def test_an_objection_holds_at_once_and_a_wrong_channel_is_named(club: Installation) -> None:
    assert club.call("object", BERIT).code == 0
    assert club.one("SELECT count(*) FROM marts.offer_table WHERE member_id = %s", BERIT) == 0
    refused = club.call("object", BERIT, "--channel", "fax")
    assert (refused.code, "there is no channel fax" in refused.text) == (2, True)


@pytest.mark.promise("R11")
def test_after_an_erasure_there_is_no_trace(club: Installation, record_property: Callable[[str, object], None]) -> None:
    for form in ("csv", "xlsx", "parquet"):
        for campaign in ("spring", "easter"):
            club.call("export", campaign, "--format", form)
            club.call("export", campaign, "--format", form, "--suppressed")
    club.rows("INSERT INTO live.feeds VALUES ('x', now()) RETURNING 1")
    club.rows("SELECT marts.opt_out(%s)", ANNA)
    club.rows("SELECT marts.feedback(%s, 'category', 'RUNNING')", ANNA)
    assert in_the_lake(club, ANNA)
    assert in_the_database(club, ANNA)
    assert any(name.startswith("exports/") for name in in_files(club, ANNA))

    said = club.call("erase", ANNA, "--yes")
    assert said.code == 0, said.text
    assert ANNA not in said.text
    assert "models that learned from the member, now marked: 1" in said.text
    assert in_the_lake(club, ANNA) == []
    assert in_the_database(club, ANNA) == []
    assert in_files(club, ANNA) == []
    assert club.one("SELECT live.first_fault('live.events')") is None
    assert club.rows("SELECT campaign_id FROM marts.campaign_summary WHERE audience <> to_send + suppressed") == []

    assert "nothing was stored" in club.call("erase", ANNA, "--yes").text
    record_property("figure", "0 hits in every table, lake file, export and byte of the data folder")


@pytest.mark.slow
@pytest.mark.promise("R11")
def test_nor_does_a_night_bring_one_back_from_files_that_still_name_the_member(
    club: Installation, record_property: Callable[[str, object], None]
) -> None:
    assert club.call("erase", ANNA, "--yes").code == 0
    club.rows("DELETE FROM live.feeds RETURNING 1")
    again = club.call("nightly", "--as-of", NIGHT)
    assert again.code == 0, again.text
    assert in_the_lake(club, ANNA) == []
    assert in_the_database(club, ANNA) == []
    assert in_files(club, ANNA) == []
    record_property("figure", "0 hits after the next night")


@pytest.mark.promise("R11")
def test_a_model_that_learned_from_an_erased_member_is_promotable_for_a_while_only(club: Installation) -> None:
    club.call("erase", ANNA, "--yes")
    registry = Platform(club.settings).registry
    version = next(v for v in ("1", "2", "3") if ERASED_SINCE in registry.tags(v))
    registry.promote(version, EARLIER, "within its time")
    registry.note(version, {ERASED_SINCE: "2024-01-01"})
    with pytest.raises(ModelOutlived, match=r"erased since 2024-01-01, more than 90 days ago"):
        registry.promote(version, EARLIER, "too late")


def test_what_has_been_kept_long_enough_is_deleted_and_the_newest_night_stays(club: Installation) -> None:
    club.call("nightly", "--as-of", NIGHT)
    platform = Platform(club.settings)
    assert delete_outlived(platform).lake == 0
    later = Platform(club.settings, now=lambda: platform.now() + timedelta(days=401))
    gone = delete_outlived(later)
    assert gone.batches == 1
    assert gone.lake > 20
    assert later.lake.dates("members") == [NIGHT]
    assert club.rows("SELECT DISTINCT business_date::text FROM marts.offer_history") == [(NIGHT,)]
    assert delete_outlived(later).lake == 0
    assert not list(Path(club.settings.exports).glob("*"))
