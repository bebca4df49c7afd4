"""How facts are put into words and JSON inside an expression: dates, figures, names that may be sensitive. The sentences
themselves stand beside their rules.
"""

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir

from ml.night import Night

UNNAMED = "something of this kind"  # what is said instead of a sensitive name


def sentence(*parts: ir.StringValue | str) -> ir.StringValue:
    """The parts put together; null when one of them is."""
    first, *rest = parts
    text = ibis.literal(first) if isinstance(first, str) else first
    for part in rest:
        text = text + part
    return text


def day_in_words(day: ir.DateValue, night: Night) -> ir.StringValue:
    """ "28 October", with the year where it is not the night's own."""
    this_year = day.year() == night.business_date.year
    return this_year.ifelse(day.strftime("%-d %B"), day.strftime("%-d %B %Y"))


def readable(name: ir.StringValue) -> ir.StringValue:
    """A name as a sentence can hold it: "BAKED BREAD/BUNS/ROLLS" as "baked bread, buns, rolls"; names with small letters stay."""
    return (name == name.upper()).ifelse(name.lower().replace("/", ", "), name)


def money(value: ir.NumericValue) -> ir.StringValue:
    """An amount above 0 with its two decimals: "0.20"."""
    text = value.cast("float64").round(2).cast("decimal(18, 2)").cast("string")
    return (text == "0.00").ifelse("less than 0.01", text)


def by_channel(channel: ir.StringValue) -> ir.StringValue:
    """ "by e-mail", "in the store"."""
    return ibis.cases(*((channel == name, words) for name, words in _BY_CHANNEL.items()), else_=channel)


_BY_CHANNEL = {
    "email": "by e-mail",
    "sms": "by text message",
    "push": "by push message",
    "post": "by letter",
    "phone": "by phone",
    "store": "in the store",
}


def fact_in_words(fact: ir.StringValue, value: ir.StringValue, sensitive: Sequence[str]) -> ir.StringValue:
    """A declared fact as "you told us: ..." can hold it: "no children", "an interest in opera", "gender: female". A value that
    is a sensitive group's name is not said."""
    said = ibis.cases((value.lower() == "true", "yes"), (value.lower() == "false", "no"), else_=value)
    children = ibis.cases((value == "0", "no children"), (value == "1", "1 child"), else_=value + " children")
    plain = fact.replace("_", " ")
    return ibis.cases(
        (is_sensitive([value], sensitive), plain),
        ((fact == "children") & value.re_search(r"^\d+$"), children),
        (fact == "interest", sentence("an interest in ", said)),
        else_=sentence(plain, ": ", said),
    )


def figure(value: ir.NumericValue, digits: int = 3) -> ir.StringValue:
    """A number rounded for reading."""
    rounded = value.cast("float64").round(digits)
    return (rounded if digits else rounded.cast("int64")).cast("string")


def counted(number: ir.NumericValue, one: str, many: str) -> ir.StringValue:
    """ "1 message", "3 messages"."""
    return sentence(figure(number, 0), " ", (number == 1).ifelse(one, many))


def is_sensitive(columns: Sequence[ir.StringValue], names: Sequence[str]) -> ir.BooleanValue:
    """Is one of the values among the names, letters' case aside. Null is never sensitive."""
    listed = [name.strip().lower() for name in names]
    if not listed:
        return ibis.literal(False)
    found = ibis.literal(False)
    for column in columns:
        found = found | column.strip().lower().isin(listed).fill_null(False)
    return found


def json_object(values: Mapping[str, ir.Value], objects: Mapping[str, ir.StringValue] | None = None) -> ir.StringValue:
    """A JSON object of the values that are not null: text quoted and escaped, numbers and truth values as they are.
    `objects` are JSON already."""
    members = [_member(name, value) for name, value in values.items()]
    members += [sentence(f'"{name}": ', value.cast("string")) for name, value in (objects or {}).items()]
    if not members:
        return ibis.literal("{}")
    known = [
        sentence(", ", member).fill_null("") for member in members
    ]  # cheaper than a list of which the nulls are left out
    return sentence("{", sentence(*known).substr(2), "}")


def _member(name: str, value: ir.Value) -> ir.StringValue:
    if isinstance(value, ir.NumericValue | ir.BooleanValue):
        return sentence(f'"{name}": ', value.cast("string"))
    text = value.cast("string")
    return sentence(f'"{name}": "', _odd(text).ifelse(_escaped(text), text), '"')


def _odd(text: ir.StringValue) -> ir.BooleanValue:
    """Has it anything to escape? Hardly any text has, and to look is half the work of escaping."""
    return text.re_search('[\x01-\x1f"]') | text.contains("\\")


def _escaped(text: ir.StringValue) -> ir.StringValue:
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(plain, escaped)
    return text.re_replace("[\x01-\x1f]", " ")  # what else a spreadsheet leaves in a name, JSON cannot hold
