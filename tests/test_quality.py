"""What happens to bad rows and bad tables at the door: rows are set aside with the rule they broke, tables stop the night.
How single values read is told in test_reading.py.
"""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from ibis.backends.duckdb import Backend

from ml.audiences import NOBODY
from ml.errors import ContractError
from ml.quality import check_tables, too_many
from ml.quarantine import doubts
from resources.sources import open_source
from tests.checked_clubs import Frames, check, quarantined, required_club, set_column, set_value
from tests.clubs import DEFINITIONS, TIMEZONE, tiny_club, write_parquet_club
from tests.conftest import NOW

# ---- bad rows


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
        (set_value("offers", 1, "audience_rule", '{"children": {"min": 1}}'), "form:audience_rule"),
        (set_value("offers", 1, "audience_rule", '{"children": null}'), "form:audience_rule"),
        (
            set_value("offers", 1, "audience_rule", '{"gender": ["female"], "children": ["1", null]}'),
            "form:audience_rule",
        ),
        (set_value("offers", 1, "audience_rule", '{"children": [[1]]}'), "form:audience_rule"),
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
    frames = required_club()
    change(frames)
    assert rule in [found for _, found in quarantined(check(frames, engine, tmp_path))]


def test_a_campaign_whose_whole_audience_falls_away_is_for_nobody_and_not_for_all(
    engine: Backend, tmp_path: Path
) -> None:
    frames = required_club() | {
        "audiences": pd.DataFrame({"campaign_id": ["c1", "c2", "c2"], "member_id": ["m99", "m2", "m99"]})
    }
    checked = check(frames, engine, tmp_path)
    assert [row["rule"] for row in checked.quarantined.to_pyarrow().to_pylist()] == ["unknown:member_id"] * 2
    rows = checked.clean["audiences"].to_pyarrow().to_pylist()
    assert sorted((row["campaign_id"], row["member_id"]) for row in rows) == [("c1", NOBODY), ("c2", "m2")]


@pytest.mark.parametrize(
    "rule",
    ["{}", '{"gender": "female"}', '{ "children" : [1, 2.5, -1], "a \\"b\\" {c}": ["null", true, "å,]"] }', '{"children": []}'],
)  # fmt: skip
def test_an_audience_rule_of_facts_and_their_values_is_used(engine: Backend, tmp_path: Path, rule: str) -> None:
    frames = required_club()
    set_value("offers", 1, "audience_rule", rule)(frames)
    assert quarantined(check(frames, engine, tmp_path)) == []


def test_a_row_with_several_faults_is_set_aside_once_with_the_first(engine: Backend, tmp_path: Path) -> None:
    frames = required_club()
    frames["transactions"].loc[0, ["member_id", "amount", "sales_channel"]] = ["m99", "NaN", "kiosk"]
    assert quarantined(check(frames, engine, tmp_path)) == [("transactions", "value:sales_channel")]


@pytest.mark.promise("F12")
def test_what_points_to_a_row_set_aside_is_unknown_too(engine: Backend, tmp_path: Path) -> None:
    """Campaign c2 falls, so its offers o2 and o3, their three products, and mailing x4 fall with it."""
    frames = required_club()
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
    frames = required_club("consents", "cases")
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
    frames = required_club()
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
    frames = required_club()
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
    frames = required_club(table)
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
    assert quarantined(check(required_club(), engine, tmp_path, newest)) == []
    earlier = newest - timedelta(microseconds=1)
    assert quarantined(check(required_club(), engine, tmp_path, earlier)) == [("transactions", "future:occurred_at")]


def test_a_table_that_is_not_recorded_is_not_pointed_to_in_vain(engine: Backend, tmp_path: Path) -> None:
    frames = required_club()
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
    frames = required_club()
    change(frames)
    with pytest.raises(ContractError) as caught:
        check(frames, engine, tmp_path)
    assert message in str(caught.value)


def test_every_fault_is_in_the_one_message(engine: Backend, tmp_path: Path) -> None:
    frames = required_club("consents")
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
    frames = required_club("cases")
    frames["cases"] = frames["cases"].iloc[:1].assign(opened_at="some day")
    assert quarantined(check(frames, engine, tmp_path)) == [("cases", "type:opened_at")]


def test_a_column_of_our_own_may_be_missing_and_an_unfilled_one_has_no_type(engine: Backend, tmp_path: Path) -> None:
    frames = required_club()
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
