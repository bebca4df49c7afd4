"""Twenty ways in which a night's delivery goes wrong, each caught, and thirty good days without an alarm; and what of a
delivery only its newest times can tell. Single rules are told in test_quality.py.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from ibis.backends.duckdb import Backend

from ml.club import Club
from ml.errors import ContractError, SourceUnavailable
from ml.quality import watermarks
from ml.source_tables import SOURCE_TABLES
from resources.sources import open_source
from tests.checked_clubs import Frames, check, quarantined, required_club, set_column, set_value
from tests.clubs import TIMEZONE, tiny_club, write_csv_club


def write_raw(folder: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    (folder / name).write_bytes(change((folder / name).read_bytes()))


ROWS, STOP = "rows set aside", "the night stops"
CORRUPTIONS: list[tuple[str, Callable[[Frames], object], str]] = [
    ("a column renamed", lambda f: f["transactions"].rename(columns={"amount": "amt"}, inplace=True), STOP),
    ("a column dropped", lambda f: f["members"].drop(columns="birth_year", inplace=True), STOP),
    ("a table dropped", lambda f: f.pop("products"), STOP),
    ("a column retyped", set_column("transactions", "occurred_at", 45000), STOP),
    ("decimal commas", set_column("transactions", "amount", "89,80"), STOP),
    ("header only", lambda f: f.update(mailings=f["mailings"].iloc[:0]), STOP),
    ("an unfilled column", set_column("responses", "member_id", None), STOP),
    ("hundred times the share", set_column("offers", "discount_share", [25.0, 10.0, None]), ROWS),
    ("a NaN", set_value("transactions", 2, "amount", "NaN"), ROWS),
    ("an infinity", set_value("transactions", 2, "quantity", "inf"), ROWS),
    ("a negative discount", set_value("transactions", 2, "discount", -5), ROWS),
    ("a time to come", set_value("responses", 2, "occurred_at", "2031-01-01T00:00:00Z"), ROWS),
    ("an unknown member", set_value("mailings", 2, "member_id", "m99"), ROWS),
    ("an unknown campaign", set_value("offers", 2, "campaign_id", "c99"), ROWS),
    ("an id twice", set_value("members", 6, "member_id", "m2"), ROWS),
    ("the day delivered twice", lambda f: f.update(responses=pd.concat([f["responses"]] * 2)), ROWS),
    ("a null key", set_value("mailings", 2, "mailing_id", None), ROWS),
]
BROKEN_FILES: list[tuple[str, str, Callable[[bytes], bytes]]] = [
    ("an empty file", "transactions.csv", lambda content: b""),
    ("a consent feed cut off", "consents.csv", lambda content: content[: content.rindex(b"marketing")]),
    ("another encoding", "members.csv", lambda content: content.decode().encode("latin-1")),
]


@pytest.mark.promise("R8")
@pytest.mark.parametrize(("change", "end"), [c[1:] for c in CORRUPTIONS], ids=[c[0] for c in CORRUPTIONS])
def test_a_corrupted_table_is_caught(
    engine: Backend, tmp_path: Path, change: Callable[[Frames], object], end: str
) -> None:
    frames = required_club()
    change(frames)
    try:
        caught = ROWS if quarantined(check(frames, engine, tmp_path)) else "nothing"
    except ContractError:
        caught = STOP
    assert caught == end


@pytest.mark.promise("R8")
@pytest.mark.parametrize(("file", "change"), [c[1:] for c in BROKEN_FILES], ids=[c[0] for c in BROKEN_FILES])
def test_a_broken_file_is_caught(engine: Backend, tmp_path: Path, file: str, change: Callable[[bytes], bytes]) -> None:
    write_csv_club(tmp_path, required_club("consents"))
    write_raw(tmp_path, file, change)
    with pytest.raises(SourceUnavailable, match=file):
        open_source(str(tmp_path), engine, TIMEZONE).tables()


@pytest.mark.promise("F9")
@pytest.mark.parametrize("turn", [1, -1])
def test_a_days_events_three_times_and_in_another_order_are_counted_once(
    engine: Backend, tmp_path: Path, turn: int
) -> None:
    frames = required_club()
    wanted = check(frames, engine, tmp_path / "once").clean["transactions"].to_pyarrow().to_pandas()
    bought = frames["transactions"]
    frames["transactions"] = pd.concat([bought] * 3)[::turn]
    found = check(frames, engine, tmp_path / "thrice")
    keys = ["transaction_id", "line_no"]
    clean = found.clean["transactions"].to_pyarrow().to_pandas()
    pd.testing.assert_frame_equal(
        clean.sort_values(keys, ignore_index=True), wanted.sort_values(keys, ignore_index=True)
    )
    assert found.counts["transactions"] == (3 * len(bought), 2 * len(bought))


@pytest.mark.promise("R8")
def test_twenty_ways_were_tried() -> None:
    assert len(CORRUPTIONS) + len(BROKEN_FILES) == 20


def test_a_consent_feed_that_stops_early_shows_in_its_watermark(engine: Backend, tmp_path: Path) -> None:
    """Whole rows that are not there cannot be told from rows that never were, but for the feed's newest time."""
    frames = required_club("consents")
    whole = watermarks(check(frames, engine, tmp_path).clean)
    frames["consents"] = frames["consents"].iloc[:3]
    short = watermarks(check(frames, engine, tmp_path).clean)
    assert (whole["consents"], short["consents"]) == ("2024-02-20T21:15:00Z", "2020-01-10T09:00:00Z")


@pytest.mark.promise("F13")
def test_watermarks_tell_an_empty_table_from_one_that_is_not_recorded(engine: Backend, tmp_path: Path) -> None:
    frames = required_club("cases")
    frames["cases"] = frames["cases"].iloc[:0]
    marks = watermarks(Club.of(check(frames, engine, tmp_path).clean).tables())
    assert marks["cases"] is None
    assert "consents" not in marks


@pytest.mark.promise("R8")
@pytest.mark.slow
def test_thirty_good_days_raise_no_alarm(engine: Backend, tmp_path: Path) -> None:
    """The club as it was delivered on each of the thirty mornings from 12 January 2024."""
    whole = tiny_club()
    for day in range(30):
        now = datetime.fromisoformat("2024-01-12T04:00") + timedelta(days=day)
        frames = dict(whole)
        for definition in SOURCE_TABLES:
            if definition.known_from.endswith("_at"):
                frame = whole[definition.name]
                frames[definition.name] = frame[frame[definition.known_from] < now]
        frames["cases"] = frames["cases"].assign(
            closed_at=[at if at and at < now else None for at in frames["cases"].closed_at]
        )
        assert quarantined(check(frames, engine, tmp_path, now)) == []
