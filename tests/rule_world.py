"""The small world in which the specs of the rules play, and how one is put to the test. The specs are in specs_*.py.

It is the night before Friday 15 March 2024 in Oslo. Unless a spec says otherwise everybody has consented, buys bread
now and then, and one campaign, "spring", runs by e-mail until 14 April.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from ml.basis import Basis
from ml.club import Club, table_of, visible
from ml.decide import ledger
from ml.judgement import judge
from ml.lake_tables import SCORES
from ml.night import Night
from ml.pairs import offers_of
from ml.policy import Policy
from ml.reasons import Reason
from ml.rules import RULES
from ml.source_tables import SOURCE_TABLES
from ml.tables import Table, Type
from ml.uplift import UPLIFT

Row = dict[str, Any]
NIGHT = Night(date(2024, 3, 15), "Europe/Oslo")
DEFINITIONS = {t.name: t for t in SOURCE_TABLES}
BY_ARBITRATION = (Reason.DISCOUNT_SHARE, Reason.OUTRANKED, Reason.CONTROL_GROUP)

# What a spec's tables need not say.
USUAL: dict[str, dict[str, object]] = {
    "transactions": {"line_no": 1, "sales_channel": "store", "quantity": 1.0, "amount": 100, "discount": 0},
    "campaigns": {
        "name": "a campaign", "message_class": "marketing", "starts_on": date(2024, 3, 10),
        "ends_on": date(2024, 4, 14), "channels": ["email"],
    },
    "offers": {"campaign_id": "spring", "title": "An offer", "kind": "discount", "redeemable_in": ["store"]},
    "consents": {"purpose": "marketing", "channel": "all", "granted": True, "recorded_at": datetime.fromisoformat("2023-01-01")},
    "preferences": {"wanted": True},
    "mailings": {"channel": "email"},
    "feedback": {"verdict": "not_for_me"},
}  # fmt: skip

PRODUCTS = """
    product_id   | department  | category         | subcategory | brand   | list_price
    beans        | GROCERY     | HOT DRINKS       | COFFEE      | Solberg | 60
    filter       | GROCERY     | HOT DRINKS       | COFFEE      | Friele  | 45
    leaves       | GROCERY     | HOT DRINKS       | TEA         | Twist   | 40
    loaf         | GROCERY     | BAKERY           | BREAD       | Own     | 30
    tin          | GROCERY     | MEDICINE         | PILLS       | Frisk   | 90
    washer-basic | APPLIANCES  | WASHING MACHINES | -           | Vask    | 3000
    washer-best  | APPLIANCES  | WASHING MACHINES | -           | Ren     | 12000
    tv-basic     | ELECTRONICS | TELEVISIONS      | -           | Syn     | 3000
    tv-best      | ELECTRONICS | TELEVISIONS      | -           | Utsyn   | 30000"""

OFFERS = """
    offer_id
    coffee
    tea
    washer
    tv"""

OFFER_PRODUCTS = """
    offer_id | product_id
    coffee   | beans
    coffee   | filter
    tea      | leaves
    washer   | washer-best
    tv       | tv-best"""


@dataclass(frozen=True)
class Spec:
    """One situation and what comes of it.

    given    tables in place of the usual ones, as text; purchases come on top of everybody's bread
    tonight  the pairs scored, with their outcome: "passes" or the reasons in order; detail, if it is of interest
    never_bought  members who have not even bought bread
    erased        members who asked to be erased
    heard_before  hours before the night at which the consents were handed over
    uplift        habit -> upper end of what a discount adds to the share that buys
    """

    code: Reason
    title: str
    tonight: str
    given: Mapping[str, str] = field(default_factory=dict)
    policy: str = ""
    threshold: float | None = None
    never_bought: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()
    heard_before: int = 0
    uplift: Mapping[int, float] = field(default_factory=dict)


def rows_of(text: str, table: Table | None = None) -> list[Row]:
    """The rows of a table written with columns apart by |. With the table's definition, values get its types and "-" is a
    missing one; without, all is text."""
    header, *lines = ([cell.strip() for cell in line.split("|")] for line in text.strip().splitlines())
    rows: list[Row] = [dict(zip(header, line, strict=True)) for line in lines]
    if table is None:
        return rows
    read = {name: _FROM_WORD.get(table[name].type, str) for name in header}
    return [{n: read[n](cell) for n, cell in row.items() if cell != "-"} for row in rows]


_FROM_WORD: dict[Type, Callable[[str], object]] = {
    Type.INTEGER: int, Type.NUMBER: float, Type.MONEY: Decimal, Type.DATE: date.fromisoformat,
    Type.TIME: datetime.fromisoformat, Type.STRINGS: json.loads, Type.BOOLEAN: {"yes": True, "no": False}.__getitem__,
}  # fmt: skip


def club_of(spec: Spec) -> Club:
    """The spec's club: its tables, the usual ones, and what the columns it leaves out usually are."""
    members = sorted({str(row["member_id"]) for row in rows_of(spec.tonight)})
    written = {"products": PRODUCTS, "offers": OFFERS, "offer_products": OFFER_PRODUCTS, **spec.given}
    rows = {name: rows_of(text, DEFINITIONS[name]) for name, text in written.items()}
    rows.setdefault("members", [{"member_id": member} for member in members])
    rows.setdefault("campaigns", [{"campaign_id": "spring"}])
    rows.setdefault("consents", [{"member_id": member} for member in members])
    rows.setdefault("mailings", [])
    rows.setdefault("responses", [])
    bread = [
        (member, datetime.fromisoformat(f"2024-0{month}-05T12:00"))
        for member in members
        if member not in spec.never_bought
        for month in (1, 2)
    ]
    rows["transactions"] = rows.get("transactions", []) + [
        {"member_id": member, "product_id": "loaf", "occurred_at": bought_at} for member, bought_at in bread
    ]
    for name, held in rows.items():
        key = DEFINITIONS[name].key[0]
        for number, row in enumerate(held):
            row.update({k: v for k, v in USUAL.get(name, {}).items() if k not in row})
            row.setdefault(key, f"{name}-{number}")
    return visible(Club.of({name: table_of(DEFINITIONS[name], held) for name, held in rows.items()}), NIGHT)


def outcomes(spec: Spec) -> list[Row]:
    """What the rule (or, for reasons of arbitration, the ledger without rules) says of the spec's pairs, in their order."""
    asked = rows_of(spec.tonight)
    club = club_of(spec)
    policy = Policy.parse(spec.policy)
    scores = table_of(SCORES, [_score(row, club) for row in asked]).join(
        club.offers.select("offer_id", of="campaign_id"), "offer_id"
    )
    scores = scores.mutate(campaign_id=scores.of).select(*SCORES.names)
    members = club.members.select("member_id")
    erased, nobody = members.filter(members.member_id.isin(list(spec.erased))), members.limit(0)
    known = [{"habit": habit, "uplift_high": high} for habit, high in spec.uplift.items()]
    uplift = ibis.memtable(pa.Table.from_pylist(known, UPLIFT.to_pyarrow())) if known else None
    heard = NIGHT.as_of - timedelta(hours=spec.heard_before)
    basis = Basis(club, NIGHT, policy, offers_of(club, scores), spec.threshold, nobody, erased, heard, uplift)
    rules = tuple(rule for rule in RULES if rule.code == spec.code)
    arbitrated = spec.code in BY_ARBITRATION or "slot" in asked[0]
    found = ledger(scores, basis, rules) if arbitrated else judge(scores, basis, rules).mutate(slot=ibis.null("int64"))
    return _by_pair(found, asked)


def _score(row: Row, club: Club) -> dict[str, object]:
    offer = float(str(row.get("relevance", 0.1)))
    mailing = float(str(row.get("mailing relevance", 0.5)))
    low = row.get("lower bound")
    return {
        "campaign_id": "spring", "member_id": row["member_id"], "offer_id": row["offer_id"], "relevance": offer,
        "mailing_relevance": mailing, "relevance_low": float(str(low)) if low else None, "model_version": "1",
    }  # fmt: skip


def _by_pair(found: ir.Table, asked: list[Row]) -> list[Row]:
    shown = found.select(
        "member_id",
        "offer_id",
        "channel",
        "slot",
        "detail",
        "until",
        "evidence",
        **{"would pass if": found.would_pass_if},
        codes=found.failures.map(lambda f: f.code),
    )
    held = shown.to_pyarrow().to_pylist()
    by_key = {(row["member_id"], row["offer_id"], row["channel"]): row for row in held}
    answers = []
    for row in asked:
        got = by_key[(row["member_id"], row["offer_id"], row.get("channel", "email"))]
        told = {
            "outcome": ", ".join(got["codes"]) or "passes",
            **{k: got[k] for k in ("detail", "until", "slot", "evidence", "would pass if")},
        }
        answers.append(
            {**row, **{name: "-" if told[name] is None else str(told[name]) for name in told if name in row}}
        )
    return answers
