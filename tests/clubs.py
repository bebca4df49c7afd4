"""A club small enough to check by eye, and ways to hand it in: as CSV, Parquet, or in a database. Nothing else.

    frames = tiny_club()
    frames["mailings"].loc[0, "channel"] = "pigeon"
    write_csv_club(folder, frames)

It is the night before 15 March 2024 in Oslo. A shop that sells fishing gear and groceries; seven members, two campaigns.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from ml.source_tables import SOURCE_TABLES
from ml.tables import Table, Type

TIMEZONE = "Europe/Oslo"
BUSINESS_DATE = date(2024, 3, 15)
DEFINITIONS = {t.name: t for t in SOURCE_TABLES}

# One line a row, columns apart by |, "-" is a missing value. 007 is an id that a careless reader turns into 7.
_CLUB = {
    "members": """
        member_id | joined_on  | birth_year | postcode | home_store_id | first_name | language
        007       | 2019-05-02 | 1961       | 0150     | s1            | Kari       | no
        m2        | 2020-01-10 | 1988       | 0162     | s1            | Ola        | no
        m3        | 2021-02-28 | 1975       | 5003     | s2            | Åse        | nn
        m4        | 2022-07-01 | -          | -        | -             | -          | -
        m5        | 2023-11-15 | 2001       | 5006     | s2            | Émile      | en
        m6        | 2024-02-29 | 1999       | 0150     | s1            | Liv        | no
        m7        | -          | 1950       | 9008     | -             | Per        | no""",
    "stores": """
        store_id | postcode | latitude | longitude
        s1       | 0154     | 59.91    | 10.74
        s2       | 5003     | 60.39    | 5.32""",
    "products": """
        product_id | department | category   | subcategory | brand | list_price | own_brand
        reel       | SPORT      | FISHING    | REELS       | Abu   | 899.00     | false
        pole       | SPORT      | FISHING    | POLES       | Abu   | 1299.50    | false
        mayfly     | SPORT      | FISHING    | FLIES       | Own   | 19.90      | true
        milk       | GROCERY    | DAIRY      | MILK        | Tine  | 21.90      | false
        coffee     | GROCERY    | HOT DRINKS | -           | -     | -          | -""",
    "campaigns": """
        campaign_id | name          | kind    | message_class | starts_on  | ends_on    | channels
        c1          | Winter coffee | monthly | marketing     | 2024-01-08 | 2024-02-04 | ["email", "post"]
        c2          | Spring rivers | -       | marketing     | 2024-03-11 | 2024-04-07 | ["email", "sms"]""",
    "offers": """
        offer_id | campaign_id | title                 | kind     | discount_share | price_tier | margin | audience_rule             | redeemable_in
        o1       | c1          | Coffee for two        | discount | 0.25           | 2          | 12.50  | -                         | ["store", "web"]
        o2       | c2          | A reel for the spring | discount | 0.1            | 4          | 90.00  | {"interest": ["fishing"]} | ["store"]
        o3       | c2          | Where the trout is    | content  | -              | -          | -      | -                         | ["web", "app"]""",
    "offer_products": """
        offer_id | product_id
        o1       | coffee
        o2       | reel
        o2       | pole
        o3       | mayfly""",
    "audiences": """
        campaign_id | member_id
        c1          | 007
        c1          | m2
        c1          | m3
        c2          | 007
        c2          | m3
        c2          | m5
        c2          | m7""",
    "declared_facts": """
        member_id | fact     | value   | declared_at          | source
        007       | interest | fishing | 2023-09-01T08:00:00Z | web
        m5        | children | 0       | 2023-11-15T12:30:00Z | store
        m5        | children | 1       | 2024-02-01T12:30:00Z | app""",
    "consents": """
        member_id | purpose   | channel | granted | recorded_at          | source
        007       | marketing | all     | true    | 2019-05-02T10:00:00Z | store
        007       | profiling | all     | true    | 2019-05-02T10:00:00Z | store
        m2        | marketing | email   | true    | 2020-01-10T09:00:00Z | web
        m2        | marketing | email   | false   | 2024-02-20T21:15:00Z | web
        m3        | marketing | all     | true    | 2021-02-28T23:30:00Z | -
        m5        | marketing | sms     | true    | 2023-11-15T12:30:00Z | store""",
    "preferences": """
        member_id | channel | wanted | max_per_week | recorded_at          | source
        m3        | sms     | false  | -            | 2022-05-05T05:05:05Z | app
        m5        | all     | true   | 1            | 2023-11-15T12:31:00Z | store""",
    "transactions": """
        transaction_id | line_no | member_id | store_id | sales_channel | product_id | quantity | amount   | discount | coupon_discount | occurred_at
        t1             | 1       | 007       | s1       | store         | coffee     | 2        | 89.80    | 10.00    | 10.00           | 2024-01-10T15:00:00Z
        t1             | 2       | 007       | s1       | store         | milk       | 1        | 21.90    | 0        | 0               | 2024-01-10T15:00:00Z
        t2             | 1       | m2        | s1       | store         | milk       | 3        | 65.70    | 0        | -               | 2024-01-12T09:20:00Z
        t3             | 1       | m3        | -        | web           | pole       | 1        | 1299.50  | 0        | -               | 2024-02-01T20:00:00Z
        t4             | 1       | m3        | -        | web           | mayfly     | 12       | 238.80   | 0        | -               | 2024-02-28T19:00:00Z
        t5             | 1       | m3        | -        | web           | pole       | -1       | -1299.50 | 0        | -               | 2024-03-02T10:00:00Z
        t6             | 1       | m5        | s2       | app           | coffee     | 0.5      | 49.95    | 5.05     | -               | 2024-03-14T22:59:59.5Z""",
    "mailings": """
        mailing_id | member_id | campaign_id | offer_id | channel | sent_at              | propensity
        x1         | 007       | c1          | o1       | email   | 2024-01-08T07:00:00Z | 0.9
        x2         | m2        | c1          | o1       | email   | 2024-01-08T07:00:00Z | 0.9
        x3         | m3        | c1          | -        | post    | 2024-01-08T07:00:00Z | -
        x4         | 007       | c2          | o2       | email   | 2024-03-11T07:00:00Z | -""",
    "responses": """
        response_id | member_id | campaign_id | offer_id | kind        | occurred_at
        r1          | 007       | c1          | o1       | open        | 2024-01-08T17:45:00Z
        r2          | 007       | c1          | o1       | redeem      | 2024-01-10T15:00:00Z
        r3          | m2        | c1          | -        | unsubscribe | 2024-02-20T21:15:00Z""",
    "feedback": """
        feedback_id | member_id | scope    | scope_id | verdict        | stage  | source | recorded_at
        f1          | m3        | category | DAIRY    | not_for_me     | -      | email  | 2024-01-09T06:00:00Z
        f2          | 007       | offer    | o2       | more_like_this | before | app    | 2024-03-12T18:00:00Z""",
    "cases": """
        case_id | member_id | opened_at            | closed_at
        k1      | m3        | 2024-03-02T10:00:00Z | -
        k2      | 007       | 2023-12-01T10:00:00Z | 2023-12-03T16:00:00Z""",
}

_FROM_WORD = {
    Type.INTEGER: int,
    Type.NUMBER: float,
    Type.MONEY: float,
    Type.BOOLEAN: {"true": True, "false": False}.__getitem__,
    Type.TIME: lambda word: datetime.fromisoformat(word).replace(tzinfo=None),
    Type.DATE: date.fromisoformat,
    Type.STRINGS: json.loads,
}


def tiny_club() -> dict[str, pd.DataFrame]:
    """A fresh copy of the club: table -> frame with the contract's columns as Python values (times UTC without zone)."""
    return {name: _frame(DEFINITIONS[name], text) for name, text in _CLUB.items()}


def write_csv_club(folder: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    """One CSV file a table, by the conventions of the contract."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        frame.map(_csv_word).to_csv(folder / f"{name}.csv", index=False)


def write_parquet_club(folder: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    """One Parquet file a table, with the contract's types; a column whose values are not of its type gets their own."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        columns = {column: _arrow(name, column, frame[column].tolist()) for column in frame.columns}
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")


def write_database_club(url: str, frames: Mapping[str, pd.DataFrame]) -> None:
    """One table of the database each, in the database's own types; lists as JSON text."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    kinds = {bool: sa.Boolean(), int: sa.BigInteger(), float: sa.Float(53), datetime: sa.DateTime(), date: sa.Date()}
    metadata = sa.MetaData()
    for name, frame in frames.items():
        values = {c: [json.dumps(v) if isinstance(v, list) else v for v in frame[c].tolist()] for c in frame.columns}
        first = {c: next((type(v) for v in held if v is not None), str) for c, held in values.items()}
        table = sa.Table(name, metadata, *(sa.Column(c, kinds.get(kind, sa.Text())) for c, kind in first.items()))
        rows = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
        with engine.begin() as connection:
            table.create(connection)
            if rows:
                connection.execute(table.insert(), rows)


def _frame(definition: Table, text: str) -> pd.DataFrame:
    header, *rows = ([word.strip() for word in line.split("|")] for line in text.strip().splitlines())
    read = [_FROM_WORD.get(definition[name].type, str) for name in header]
    values = [[None if word == "-" else of(word) for of, word in zip(read, row, strict=True)] for row in rows]
    return pd.DataFrame(values, columns=header, dtype=object)


def _csv_word(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, list | dict):
        return json.dumps(value)
    return value


def _arrow(table: str, column: str, values: list[object]) -> pa.Array:
    definition = DEFINITIONS.get(table)
    if definition and column in definition.names and definition[column].type is not Type.MONEY:
        with suppress(pa.ArrowException, TypeError):
            return pa.array(values, definition.schema.to_pyarrow().field(column).type)
    return pa.array(values)
