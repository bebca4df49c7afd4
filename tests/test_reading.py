"""How single values of a club's tables read, from text and from typed columns: as the contract's type, or as a fault."""

from datetime import UTC, date, datetime
from decimal import Decimal

import ibis
import pyarrow as pa
import pytest

from ml.reading import read
from ml.tables import Type

INFINITY = float("inf")


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
        (pa.array([{"gender": ["null"], "children": None}, {"gender": None, "children": [1]}]), Type.JSON, ['{"gender":["null"]}', '{"children":[1]}']),
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
