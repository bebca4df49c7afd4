"""Names, amounts, channels and declared facts as a sentence to a member can hold them."""

import json

import ibis
import ibis.expr.types as ir

from ml.wording import by_channel, fact_in_words, json_object, money, readable


def shown(told: ir.Value, by: ir.Table) -> list[object]:
    return ibis.duckdb.connect().to_pyarrow(by.select("place", told=told).order_by("place"))["told"].to_pylist()


def column(*values: object) -> ir.Table:
    return ibis.memtable({"place": list(range(len(values))), "value": list(values)})


def test_a_name_in_capitals_is_made_readable_and_any_other_is_left_alone() -> None:
    names = column("BAKED BREAD/BUNS/ROLLS", "2% MILK", "Café IKEA/Oslo", None)
    assert shown(readable(names.value), names) == ["baked bread, buns, rolls", "2% milk", "Café IKEA/Oslo", None]


def test_money_has_two_decimals_and_is_never_nothing() -> None:
    amounts = column(0.2, 0.004, 12.0, 1234.5)
    assert shown(money(amounts.value), amounts) == ["0.20", "less than 0.01", "12.00", "1234.50"]


def test_a_channel_is_named_as_one_would_say_it() -> None:
    channels = column("email", "sms", "store")
    assert shown(by_channel(channels.value), channels) == ["by e-mail", "by text message", "in the store"]


def test_a_declared_fact_is_told_in_words_and_a_sensitive_value_is_not() -> None:
    said = [
        ("children", "0", "no children"),
        ("children", "1", "1 child"),
        ("children", "3", "3 children"),
        ("children", "None/Unknown", "children: None/Unknown"),
        ("interest", "opera", "an interest in opera"),
        ("interest", "WINE", "interest"),
        ("household_size", "4", "household size: 4"),
        ("owns_boat", "true", "owns boat: yes"),
    ]
    facts = ibis.memtable(
        {"place": range(len(said)), "fact": [f for f, _, _ in said], "value": [v for _, v, _ in said]}
    )
    assert shown(fact_in_words(facts.fact, facts.value, ["Wine"]), facts) == [words for _, _, words in said]


def test_whatever_a_spreadsheet_leaves_in_a_name_it_is_json() -> None:
    names = column("Liv", 'Kari "Kim"', "a\\b", "two\nlines\tof\rit", "Li\x0bv", "\x01\x1f")
    told = [json.loads(str(text))["name"] for text in shown(json_object({"name": names.value}), names)]
    assert told == ["Liv", 'Kari "Kim"', "a\\b", "two\nlines\tof\rit", "Li v", "  "]
