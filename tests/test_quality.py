"""What happens to bad values, bad rows and bad tables at the door: they are set aside with the rule they broke, or stop
the night, and never pass and never vanish. How kinds of sources read good tables is told in test_sources.py.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from ibis.backends.duckdb import Backend

from ml.club import Club
from ml.errors import ContractError, SourceUnavailable
from ml.quality import Checked, check_tables, too_many, watermarks
from ml.quarantine import doubts
from ml.reading import read
from ml.source_tables import SOURCE_TABLES
from ml.tables import Type
from resources.engine import open_engine
from resources.settings import Settings
from resources.sources import open_source
from tests.clubs import DEFINITIONS, TIMEZONE, tiny_club, write_csv_club, write_parquet_club
from tests.conftest import NOW

Frames = dict[str, pd.DataFrame]
REQUIRED = [t.name for t in SOURCE_TABLES if not t.optional]
INFINITY = float("inf")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Backend:
    return open_engine(Settings(home=tmp_path_factory.mktemp("home"), threads=2, memory_limit="2GB"))


def small_club(*more: str) -> Frames:
    """The tiny club's required tables, and those optional ones that a test is about."""
    return {name: frame for name, frame in tiny_club().items() if name in (*REQUIRED, *more)}


def check(frames: Mapping[str, pd.DataFrame], engine: Backend, folder: Path, now: datetime = NOW) -> Checked:
    """The club handed in as CSV and checked."""
    write_csv_club(folder, frames)
    source = open_source(str(folder), engine, TIMEZONE)
    return check_tables(source.tables(), now, source.origins())


def quarantined(checked: Checked) -> list[tuple[str, str]]:
    """(table, rule) of every row set aside; the counts must agree."""
    rows = checked.quarantined.to_pyarrow().to_pylist()
    for table, (came, bad) in checked.counts.items():
        assert bad == sum(row["table_name"] == table for row in rows)
        assert came - bad == checked.clean[table].count().to_pyarrow().as_py()
    return sorted((row["table_name"], row["rule"]) for row in rows)


# ---- how single values read


@pytest.mark.parametrize(
    ("wanted", "readings"),
    [
        (Type.STRING, {"007": "007", " x ": " x ", "": None, "NULL": "NULL", "a\0b": "type"}),
        (Type.INTEGER, {"7": 7, "7.0": 7, "-1": -1, "1e3": 1000, "1.5": "type", "seven": "type", "NaN": "not_finite"}),
        (Type.NUMBER, {"0.5": 0.5, "-2": -2.0, "12,50": "type", "NaN": "not_finite", "1e400": "not_finite"}),
        (Type.MONEY, {"12.50": Decimal("12.5"), "0.1": Decimal("0.1"), "1e3": Decimal(1000), "": None}),
        (
            Type.MONEY,
            {"12,50": "type", "kr 12": "type", "NaN": "not_finite", "-inf": "not_finite", "1e20": "too_large"},
        ),
        (Type.BOOLEAN, {"true": True, "False": False, "1": True, "0": False, "yes": "type", "": None}),
        (
            Type.TIME,
            {
                "2024-03-31T01:30:00Z": "2024-03-31T01:30:00",
                "2024-03-31T01:30:00+02:00": "2024-03-30T23:30:00",  # an offset is heeded
                "2024-03-31 01:30-0500": "2024-03-31T06:30:00",
                "2024-03-31T01:30:00": "2024-03-31T01:30:00",  # without one, it is UTC
                "2024-03-31T01:30:00.123456Z": "2024-03-31T01:30:00.123456",
                "2024-02-29T12:00:00Z": "2024-02-29T12:00:00",
                "2023-02-29T12:00:00Z": "type",
                "2024-03-31": "type",  # which hour would be a guess
                "31/03/2024 01:30": "type",
                "infinity": "type",
            },
        ),
        (
            Type.DATE,
            {
                "2024-02-29": date(2024, 2, 29),
                "2024-02-29 00:00:00": date(2024, 2, 29),
                "2023-02-29": "type",
                "2024-02-29T13:00:00Z": "type",
                "29.02.2024": "type",
            },
        ),
        (Type.STRINGS, {'["email","sms"]': ["email", "sms"], "[]": [], "email": "type", '{"a":1}': "type"}),
        (Type.JSON, {'{"a": [1]}': '{"a": [1]}', "[1]": "type", "{a: 1}": "type"}),
    ],
    ids=lambda value: value.name if isinstance(value, Type) else "",
)
def test_text_reads_as_the_contracts_type_or_is_a_fault(wanted: Type, readings: dict[str, object]) -> None:
    raw = ibis.memtable(pa.table({"raw": list(readings)}))
    reading = read(raw.raw, wanted)
    assert reading is not None
    found = [name for name in ("type", "not_finite", "too_large") if getattr(reading, name) is not None]
    table = raw.select("raw", value=reading.value, **{name: getattr(reading, name) for name in found})
    for row in table.to_pyarrow().to_pylist():
        faults = [name for name in found if row[name]]
        value = row["value"].isoformat() if isinstance(row["value"], datetime) else row["value"]
        assert (faults[0] if faults else value) == readings[row["raw"]], row["raw"]


@pytest.mark.parametrize(
    ("values", "wanted", "expected"),
    [
        (pa.array([7, None]), Type.STRING, ["7", None]),
        (pa.array([7.0, None]), Type.STRING, ["7", None]),  # ids that pandas made floats of
        (pa.array([1.25, INFINITY]), Type.MONEY, [Decimal("1.25"), None]),
        (pa.array([Decimal("1.2345")]), Type.MONEY, [Decimal("1.2345")]),
        (pa.array([1, 0, 2]), Type.BOOLEAN, [True, False, None]),
        (pa.array([datetime(2024, 1, 1, 12, tzinfo=UTC)], pa.timestamp("us", "Europe/Oslo")), Type.TIME, ["2024-01-01T12:00:00"]),
        (pa.array(["2024-01-01"]).cast(pa.date32()), Type.TIME, "not read"),
        (pa.array([datetime.fromisoformat("2024-01-01"), datetime.fromisoformat("2024-01-01T01:00")]), Type.DATE, [date(2024, 1, 1), None]),
        (pa.array([["email"], []]), Type.STRINGS, [["email"], []]),
        (pa.array([{"gender": ["female"]}]), Type.JSON, ['{"gender":["female"]}']),
        (pa.array([True]), Type.MONEY, "not read"),
        (pa.array([[1]]), Type.NUMBER, "not read"),
        (pa.array([b"x"]), Type.STRING, "not read"),
    ],
)  # fmt: skip
def test_a_typed_column_reads_where_its_type_can_hold_that(values: pa.Array, wanted: Type, expected: object) -> None:
    raw = ibis.memtable(pa.table({"raw": values}))
    reading = read(raw.raw, wanted)
    held = "not read" if reading is None else raw.select(value=reading.value).to_pyarrow()["value"].to_pylist()
    assert [v.isoformat() if isinstance(v, datetime) else v for v in held] == list(expected)  # type: ignore[call-overload]


# ---- bad rows


def set_value(table: str, row: int, column: str, value: object) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frames[table].loc[row, column] = value

    return change


def set_column(table: str, column: str, value: object) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frames[table][column] = value

    return change


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (set_value("products", 2, "category", None), "null:category"),
        (set_value("transactions", 0, "amount", "12,50"), "type:amount"),
        (set_value("transactions", 0, "amount", "1e400"), "not_finite:amount"),
        (set_value("transactions", 0, "quantity", "NaN"), "not_finite:quantity"),
        (set_value("transactions", 0, "line_no", "1.5"), "type:line_no"),
        (set_value("transactions", 0, "discount", -1), "range:discount"),
        (set_value("transactions", 0, "amount", "123456789012345678"), "range:amount"),
        (set_value("transactions", 0, "sales_channel", "kiosk"), "value:sales_channel"),
        (set_value("transactions", 0, "member_id", "m99"), "unknown:member_id"),
        (set_value("transactions", 0, "product_id", "unicorn"), "unknown:product_id"),
        (set_value("transactions", 0, "occurred_at", "2031-01-01T00:00:00Z"), "future:occurred_at"),
        (set_value("transactions", 0, "occurred_at", "0024-01-10T15:00:00Z"), "range:occurred_at"),
        (set_value("members", 3, "birth_year", 88), "range:birth_year"),
        (set_value("campaigns", 1, "ends_on", date(2024, 3, 10)), "order:ends_on"),
        (set_value("campaigns", 1, "channels", '["email", "pigeon"]'), "value:channels"),
        (set_value("campaigns", 1, "channels", '["email", null]'), "value:channels"),
        (set_value("offers", 1, "audience_rule", "women"), "type:audience_rule"),
        (set_value("offers", 1, "discount_share", 10), "range:discount_share"),
        (set_value("mailings", 3, "offer_id", "o99"), "unknown:offer_id"),
        (set_value("mailings", 3, "mailing_id", "x1"), "duplicate:mailing_id"),
        (set_value("responses", 1, "kind", "ignored"), "value:kind"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_row_is_set_aside_with_the_rule_it_broke(
    engine: Backend, tmp_path: Path, change: Callable[[Frames], None], rule: str
) -> None:
    frames = small_club()
    change(frames)
    assert rule in [found for _, found in quarantined(check(frames, engine, tmp_path))]


def test_a_row_with_several_faults_is_set_aside_once_with_the_first(engine: Backend, tmp_path: Path) -> None:
    frames = small_club()
    frames["transactions"].loc[0, ["member_id", "amount", "sales_channel"]] = ["m99", "NaN", "kiosk"]
    assert quarantined(check(frames, engine, tmp_path)) == [("transactions", "value:sales_channel")]


def test_what_points_to_a_row_set_aside_is_unknown_too(engine: Backend, tmp_path: Path) -> None:
    """Campaign c2 falls, so its offers o2 and o3, their three products, and mailing x4 fall with it."""
    frames = small_club()
    frames["campaigns"].loc[1, "message_class"] = "spam"
    assert quarantined(check(frames, engine, tmp_path)) == [
        ("campaigns", "value:message_class"),
        ("mailings", "unknown:campaign_id"),
        ("offer_products", "unknown:offer_id"),
        ("offer_products", "unknown:offer_id"),
        ("offer_products", "unknown:offer_id"),
        ("offers", "unknown:campaign_id"),
        ("offers", "unknown:campaign_id"),
    ]


def test_a_bad_row_on_consent_leaves_its_member_in_doubt_and_a_repeated_one_does_not(
    engine: Backend, tmp_path: Path
) -> None:
    frames = small_club("consents", "cases")
    frames["consents"] = pd.concat([frames["consents"], frames["consents"].iloc[:1]], ignore_index=True)
    frames["consents"].loc[3, "granted"] = "maybe"
    frames["cases"].loc[0, "opened_at"] = "in March"
    checked = check(frames, engine, tmp_path)
    kept = checked.quarantined.to_pyarrow().to_pylist()
    assert {(row["member_id"], row["rule"].split(":")[0]) for row in kept} == {
        ("m2", "type"), ("007", "duplicate"), ("m3", "type"),
    }  # fmt: skip
    assert doubts(checked.quarantined).to_pyarrow()["member_id"].to_pylist() == ["m2"]


def test_a_row_is_kept_word_for_word_with_the_time_it_was_found(engine: Backend, tmp_path: Path) -> None:
    frames = small_club()
    frames["mailings"]["printer"] = 'the "new" one'
    frames["mailings"].loc[2, "propensity"] = "NaN"
    (kept,) = check(frames, engine, tmp_path).quarantined.to_pyarrow().to_pylist()
    assert json.loads(kept["row"]) == {
        "mailing_id": "x3", "member_id": "m3", "campaign_id": "c1", "offer_id": None, "channel": "post",
        "sent_at": "2024-01-08T07:00:00Z", "propensity": "NaN", "printer": 'the "new" one',
    }  # fmt: skip
    assert kept["found_at"] == NOW


def test_a_row_has_the_same_id_each_night_and_rows_that_are_alike_have_their_own(
    engine: Backend, tmp_path: Path
) -> None:
    frames = small_club()
    third = frames["mailings"].iloc[[2]]
    frames["mailings"] = pd.concat([frames["mailings"], third, third], ignore_index=True)
    nights = [
        check(frames, engine, tmp_path, now).quarantined.to_pyarrow()["row_id"].to_pylist()
        for now in (NOW, NOW + timedelta(days=1))
    ]
    assert sorted(nights[0]) == sorted(nights[1])
    assert len(set(nights[0])) == 2


@pytest.mark.parametrize(
    ("table", "row", "column", "other", "stays"),
    [
        ("consents", 3, "granted", True, False),
        ("preferences", 0, "wanted", True, False),
        ("preferences", 1, "max_per_week", 3, 1),
        ("preferences", 0, "max_per_week", 2, 2),  # the row has no limit
        ("feedback", 0, "verdict", "more_like_this", "not_for_me"),
        ("responses", 2, "kind", "click", "unsubscribe"),
        ("cases", 0, "closed_at", "2024-03-03T10:00:00Z", None),
    ],
)
@pytest.mark.parametrize("comes", ["first", "last"])
def test_of_two_rows_with_one_key_the_one_that_holds_mail_back_stays(
    engine: Backend, tmp_path: Path, table: str, row: int, column: str, other: object, stays: object, comes: str
) -> None:
    frames = small_club(table)
    twin, key = frames[table].iloc[[row]].assign(**{column: other}), DEFINITIONS[table].key
    both = [twin, frames[table]] if comes == "first" else [frames[table], twin]
    frames[table] = pd.concat(both, ignore_index=True)
    checked = check(frames, engine, tmp_path)
    left = checked.clean[table].order_by(key).to_pyarrow()[column].to_pylist()
    place = tiny_club()[table].sort_values(list(key)).index.get_loc(row)
    assert (len(left), left[place]) == (len(frames[table]) - 1, stays)
    assert quarantined(checked) == [(table, "duplicate:" + "+".join(key))]


def test_a_time_is_in_the_future_after_the_clock_and_not_before(engine: Backend, tmp_path: Path) -> None:
    newest = datetime(2024, 3, 14, 22, 59, 59, 500000, tzinfo=UTC)  # of the club's last purchase
    assert quarantined(check(small_club(), engine, tmp_path, newest)) == []
    earlier = newest - timedelta(microseconds=1)
    assert quarantined(check(small_club(), engine, tmp_path, earlier)) == [("transactions", "future:occurred_at")]


def test_a_table_that_is_not_recorded_is_not_pointed_to_in_vain(engine: Backend, tmp_path: Path) -> None:
    frames = small_club()
    frames["members"].loc[0, "home_store_id"] = "s99"
    assert quarantined(check(frames, engine, tmp_path)) == []


# ---- bad tables


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.pop("offers"), "has no table offers"),
        (lambda f: f["mailings"].drop(columns="sent_at", inplace=True), r"table mailings (mailings.csv): column sent_at is missing"),
        (lambda f: f["mailings"].rename(columns={"sent_at": "sent_on"}, inplace=True), "column sent_at is missing (is it sent_on?)"),
        (lambda f: f.update(responses=f["responses"].iloc[:0]), "table responses (responses.csv): it has no rows"),
        (set_column("transactions", "amount", "12,50"), "column amount holds nothing that reads as money"),
        (set_column("mailings", "sent_at", "2024-01-08"), "column sent_at holds nothing that reads as time (UTC)"),
        (set_column("products", "department", None), "column department holds no value"),
    ],
    ids=["no table", "no column", "renamed column", "no rows", "wrong type", "days for times", "no values"],
)  # fmt: skip
def test_a_bad_table_stops_the_night_and_is_named_with_its_file_and_column(
    engine: Backend, tmp_path: Path, change: Callable[[Frames], object], message: str
) -> None:
    frames = small_club()
    change(frames)
    with pytest.raises(ContractError) as caught:
        check(frames, engine, tmp_path)
    assert message in str(caught.value)


def test_every_fault_is_in_the_one_message(engine: Backend, tmp_path: Path) -> None:
    frames = small_club("consents")
    frames["members"] = frames["members"].drop(columns=["language", "postcode"])
    frames["consents"]["granted"] = "perhaps"
    with pytest.raises(ContractError) as caught:
        check(frames, engine, tmp_path)
    assert str(caught.value).split(": ", 1)[1].split("; ") == [
        "table members (members.csv): column postcode is missing",
        "table members (members.csv): column language is missing",
        "table consents (consents.csv): column granted holds nothing that reads as true or false",
    ]


def test_a_single_bad_row_is_no_bad_table(engine: Backend, tmp_path: Path) -> None:
    frames = small_club("cases")
    frames["cases"] = frames["cases"].iloc[:1].assign(opened_at="some day")
    assert quarantined(check(frames, engine, tmp_path)) == [("cases", "type:opened_at")]


def test_a_column_of_our_own_may_be_missing_and_an_unfilled_one_has_no_type(engine: Backend, tmp_path: Path) -> None:
    frames = small_club()
    del frames["products"]["own_brand"]
    frames["members"]["joined_on"] = None
    write_parquet_club(tmp_path, frames)
    frames["members"].drop(columns="joined_on").assign(joined_on=pd.Series([None] * 7, dtype="float64")).to_parquet(
        tmp_path / "members.parquet"
    )
    checked = check_tables(open_source(str(tmp_path), engine, TIMEZONE).tables(), NOW)
    assert quarantined(checked) == []
    assert checked.clean["products"].own_brand.count().to_pyarrow().as_py() == 0
    assert checked.clean["members"].joined_on.count().to_pyarrow().as_py() == 0


def test_too_many_bad_rows_are_told_with_their_number() -> None:
    counts = {"members": (2000, 100), "mailings": (1000, 51), "stores": (0, 0)}
    assert too_many(counts, 0.05) == [
        "table mailings: 51 of 1,000 rows (5.1 %) break the contract, the policy allows 5.0 %"
    ]


# ---- twenty corruptions of a good club, and none


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


@pytest.mark.parametrize(("change", "end"), [c[1:] for c in CORRUPTIONS], ids=[c[0] for c in CORRUPTIONS])
def test_a_corrupted_table_is_caught(
    engine: Backend, tmp_path: Path, change: Callable[[Frames], object], end: str
) -> None:
    frames = small_club()
    change(frames)
    try:
        caught = ROWS if quarantined(check(frames, engine, tmp_path)) else "nothing"
    except ContractError:
        caught = STOP
    assert caught == end


@pytest.mark.parametrize(("file", "change"), [c[1:] for c in BROKEN_FILES], ids=[c[0] for c in BROKEN_FILES])
def test_a_broken_file_is_caught(engine: Backend, tmp_path: Path, file: str, change: Callable[[bytes], bytes]) -> None:
    write_csv_club(tmp_path, small_club("consents"))
    write_raw(tmp_path, file, change)
    with pytest.raises(SourceUnavailable, match=file):
        open_source(str(tmp_path), engine, TIMEZONE).tables()


def test_twenty_ways_were_tried() -> None:
    assert len(CORRUPTIONS) + len(BROKEN_FILES) == 20


def test_a_consent_feed_that_stops_early_shows_in_its_watermark(engine: Backend, tmp_path: Path) -> None:
    """Whole rows that are not there cannot be told from rows that never were, but for the feed's newest time."""
    frames = small_club("consents")
    whole = watermarks(check(frames, engine, tmp_path).clean)
    frames["consents"] = frames["consents"].iloc[:3]
    short = watermarks(check(frames, engine, tmp_path).clean)
    assert (whole["consents"], short["consents"]) == ("2024-02-20T21:15:00Z", "2020-01-10T09:00:00Z")


def test_watermarks_tell_an_empty_table_from_one_that_is_not_recorded(engine: Backend, tmp_path: Path) -> None:
    frames = small_club("cases")
    frames["cases"] = frames["cases"].iloc[:0]
    marks = watermarks(Club.of(check(frames, engine, tmp_path).clean).tables())
    assert marks["cases"] is None
    assert "consents" not in marks


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
