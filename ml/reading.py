"""How one value of a club's table becomes a value of the contract, whatever type the file or database gave it.

Only single columns are looked at here, and only their types; which values a column may have, and rows, are quality.py's.
One set of rules serves every kind of source, so the same data is read the same from CSV, Parquet and a database.
"""

from collections.abc import Callable
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from ml.tables import Type

# ISO 8601. Without an offset a time is UTC, which is what the contract says times are.
_DATE = r"\d{4}-\d{2}-\d{2}"
_OFFSET = r"(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)"
_TIME_WITH_OFFSET = rf"^{_DATE}[T ]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d+)?)? ?{_OFFSET}$"
_TIME_WITHOUT = rf"^{_DATE}[T ]\d{{2}}:\d{{2}}(:\d{{2}}(\.\d+)?)?$"
_DAY = rf"^{_DATE}([T ]00:00(:00(\.0+)?)?Z?)?$"  # databases export a date as its midnight
_UTC = "timestamp('UTC', 6)"


@dataclass(frozen=True)
class Reading:
    """A column as read.

    value       of the contract's type; null where nothing was there and where it did not read
    filled      something was there
    type        it does not read as the contract's type
    not_finite  it is NaN or infinite
    too_large   it has more digits than the type holds
    """

    value: ir.Value
    filled: ir.BooleanValue
    type: ir.BooleanValue
    not_finite: ir.BooleanValue | None = None
    too_large: ir.BooleanValue | None = None


def read(raw: ir.Value, wanted: Type) -> Reading | None:
    """Read a column as `wanted`; None when its type can never hold that (a date is not money).

    Empty text is missing, as CSV cannot tell the two apart. Sessions are expected to run in UTC.

    >>> prices = ibis.memtable({"price": ["1.50", "12,50", "NaN", ""]})
    >>> seen = read(prices.price, Type.MONEY)
    >>> prices.select(seen.value.name("v"), seen.type.name("t"), seen.not_finite.name("n")).to_pyarrow().to_pydict()
    {'v': [Decimal('1.5000'), None, None, None], 't': [False, True, False, False], 'n': [False, False, True, False]}
    """
    if isinstance(raw, ir.StringValue) and not raw.type().is_json():
        raw = raw.nullif("")
    return _READERS[wanted](raw)


def nothing(wanted: Type) -> Reading:
    """How a column reads that the club's table lacks."""
    return Reading(ibis.null(wanted.ibis), filled=ibis.literal(False), type=ibis.literal(False))


def _text(raw: ir.Value) -> Reading | None:
    given = raw.type()
    if given.is_string():
        nul = raw.contains("\x00")  # PostgreSQL cannot store it
        return Reading(nul.ifelse(ibis.null("string"), raw), raw.notnull(), nul.fill_null(False))
    if given.is_floating() or given.is_decimal():  # ids that went through a column with gaps: 7.0 is "7"
        seen, finite = _integer(raw), _finite(raw)
        text = ibis.coalesce(seen.value.cast("string"), finite.cast("string")) if seen else finite.cast("string")
        return _plain(raw, text)
    if given.is_nested() or given.is_binary():
        return None
    return _plain(raw, raw.cast("string"))


def _integer(raw: ir.Value) -> Reading | None:
    if raw.type().is_integer():
        return _plain(raw, raw.try_cast("int64"))
    if not _numeric(raw):
        return None
    number = raw.try_cast("float64")
    wild = (number.isnan() | number.isinf()).fill_null(False)
    whole = raw.try_cast("int64")  # rounds, so 1.5 must be told from 2
    exact = (whole.cast("float64") == number).fill_null(False) & ~wild
    return Reading(exact.ifelse(whole, ibis.null("int64")), raw.notnull(), raw.notnull() & ~exact & ~wild, wild)


def _number(raw: ir.Value) -> Reading | None:
    if not _numeric(raw):
        return None
    number = raw.try_cast("float64")
    wild = (number.isnan() | number.isinf()).fill_null(False)
    return Reading(wild.ifelse(ibis.null("float64"), number), raw.notnull(), raw.notnull() & number.isnull(), wild)


def _money(raw: ir.Value) -> Reading | None:
    seen = _number(raw)
    if seen is None:
        return None
    money = raw.try_cast(Type.MONEY.ibis)  # not through the float: 0.1 stays 0.1
    return Reading(money, seen.filled, seen.type, seen.not_finite, seen.value.notnull() & money.isnull())


def _boolean(raw: ir.Value) -> Reading | None:
    given = raw.type()
    if given.is_boolean():
        return _plain(raw, raw)
    if not (given.is_string() or given.is_integer()):
        return None
    word = raw.cast("string").lower()  # 1 and 0: databases without a boolean type
    value = ibis.cases((word.isin(("true", "1")), True), (word.isin(("false", "0")), False), else_=ibis.null("boolean"))
    return _plain(raw, value)


def _time(raw: ir.Value) -> Reading | None:
    given = raw.type()
    if given.is_timestamp():
        return _plain(raw, raw.cast(Type.TIME.ibis))
    if not given.is_string():
        return None  # a date is not a time: which hour would be a guess
    value = ibis.cases(
        (raw.re_search(_TIME_WITH_OFFSET), raw.try_cast(_UTC)),
        (raw.re_search(_TIME_WITHOUT), raw.concat("Z").try_cast(_UTC)),
        else_=ibis.null(_UTC),
    )
    return _plain(raw, value.cast(Type.TIME.ibis))


def _date(raw: ir.Value) -> Reading | None:
    given = raw.type()
    if given.is_date():
        return _plain(raw, raw)
    if given.is_timestamp():
        moment = raw.cast(Type.TIME.ibis)
        day = moment.cast("date")
        return _plain(raw, (day.cast(Type.TIME.ibis) == moment).ifelse(day, ibis.null("date")))
    if not given.is_string():
        return None
    return _plain(raw, raw.re_search(_DAY).ifelse(raw.left(10), ibis.null("string")).try_cast("date"))


def _strings(raw: ir.Value) -> Reading | None:
    given = raw.type()
    if given.is_array() and not given.value_type.is_nested():
        return _plain(raw, raw.cast("array<string>"))
    if not (given.is_string() or given.is_json()):
        return None
    return _plain(raw, raw.cast("string").try_cast("json").try_cast("array<string>"))


def _json(raw: ir.Value) -> Reading | None:
    """JSON columns hold one object each. A struct has every field in every row: a null one is not there."""
    given = raw.type()
    if given.is_struct():
        text = raw.cast("json").cast("string")
        return _plain(raw, text.re_replace(r'"(?:[^"\\]|\\.)*":null,?', "").re_replace(r",\}$", "}"))
    if given.is_map():
        return _plain(raw, raw.cast("json").cast("string"))
    if not (given.is_string() or given.is_json()):
        return None
    text = raw.cast("string")
    valid = text.try_cast("json").notnull() & text.lstrip().startswith("{")
    return _plain(raw, valid.ifelse(text, ibis.null("string")))


def _plain(raw: ir.Value, value: ir.Value) -> Reading:
    """A reading that is wrong where something was there and nothing came out."""
    return Reading(value, raw.notnull(), raw.notnull() & value.isnull())


def _numeric(raw: ir.Value) -> bool:
    given = raw.type()
    return bool(given.is_integer() or given.is_floating() or given.is_decimal() or given.is_string())


def _finite(raw: ir.Value) -> ir.Value:
    if not raw.type().is_floating():
        return raw
    return (raw.isnan() | raw.isinf()).ifelse(ibis.null(raw.type()), raw)


_READERS: dict[Type, Callable[[ir.Value], Reading | None]] = {
    Type.STRING: _text,
    Type.INTEGER: _integer,
    Type.NUMBER: _number,
    Type.MONEY: _money,
    Type.BOOLEAN: _boolean,
    Type.TIME: _time,
    Type.DATE: _date,
    Type.STRINGS: _strings,
    Type.JSON: _json,
}
