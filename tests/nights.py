"""Random nights for the properties of the decision: a fixed assortment and campaigns, with members who do and say anything.
The decision is compiled once, over tables that each night fills anew.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa
from hypothesis import strategies as st

from ml.club import Club
from ml.decide import decide
from ml.decision_lists import offer_table, suppression_list
from ml.lake_tables import SCORES
from ml.night import Night
from ml.policy import Policy
from ml.source_tables import SOURCE_TABLES
from ml.tables import Table
from tests.rule_world import DEFINITIONS, PRODUCTS, USUAL, Row, rows_of

NIGHT = Night(date(2024, 3, 15), "Europe/Oslo")
POLICY = Policy.parse("""
[caps]
messages_per_week = 2
offers_per_message = 2
offers_per_night = 3
offers_per_category = 1
discount_share = 0.5
discount_from = 2
[chance]
control_share = 0.1
exploration_share = 0.1
[confidence]
least_known = 1
[declared.days]
children = 20
""")
THRESHOLD = 0.2
MEMBERS = ("anna", "bo", "carl", "dina")

FIXED = {
    "members": "member_id\nanna\nbo\ncarl\ndina",
    "products": PRODUCTS,
    "campaigns": """
        campaign_id | message_class | channels
        spring      | marketing     | ["email", "sms"]
        summer      | marketing     | ["post", "email"]
        winter      | marketing     | ["email"]
        letters     | content       | ["email"]
        recall      | service       | ["email", "sms"]""",
    "offers": """
        offer_id | campaign_id | kind     | price_tier | audience_rule
        coffee   | spring      | discount | 3          | -
        friele   | spring      | discount | -          | -
        tea      | spring      | content  | -          | {"children": ["1", "2"]}
        washer   | summer      | discount | 5          | -
        tv       | summer      | discount | 5          | -
        bread    | winter      | discount | -          | {"children": [0]}
        recipes  | letters     | content  | -          | -
        washed   | recall      | service  | -          | -""",
    "offer_products": """
        offer_id | product_id
        coffee   | beans
        friele   | filter
        tea      | leaves
        washer   | washer-best
        tv       | tv-best
        bread    | loaf
        washed   | washer-basic""",
}

_member = st.sampled_from(MEMBERS)
_day = st.integers(1, 40).map(lambda ago: datetime.fromisoformat("2024-03-14T12:00") - timedelta(days=ago - 1))
_channel = st.sampled_from(["email", "sms", "post", "all"])
_campaigns = [str(row["campaign_id"]) for row in rows_of(FIXED["campaigns"])]
_offers = [(str(row["campaign_id"]), str(row["offer_id"])) for row in rows_of(FIXED["offers"])]


def _some(most: int = 8, /, **columns: st.SearchStrategy[object]) -> st.SearchStrategy[list[Row]]:
    return st.lists(st.fixed_dictionaries(columns), max_size=most)


EVENTS = st.fixed_dictionaries(
    {
        "consents": _some(3, member_id=_member, channel=_channel, granted=st.booleans(), recorded_at=_day),
        "preferences": _some(3, member_id=_member, channel=_channel, wanted=st.booleans(), max_per_week=st.sampled_from([None, 0, 1, 2]), recorded_at=_day),
        "feedback": _some(member_id=_member, scope=st.just("subcategory"), scope_id=st.sampled_from(["COFFEE", "TEA"]), verdict=st.sampled_from(["not_for_me", "more_like_this"]), recorded_at=_day),
        "declared_facts": _some(5, member_id=_member, fact=st.just("children"), value=st.sampled_from(["0", "1", "2"]), declared_at=_day),
        "cases": _some(2, member_id=_member, opened_at=_day),
        "transactions": _some(member_id=_member, product_id=st.sampled_from([str(r["product_id"]) for r in rows_of(PRODUCTS)]), occurred_at=_day),
        "mailings": _some(member_id=_member, campaign_id=st.sampled_from(_campaigns), offer_id=st.sampled_from([None, *(o for _, o in _offers)]), channel=st.sampled_from(["email", "sms", "post"]), sent_at=_day),
        "responses": _some(3, member_id=_member, campaign_id=st.sampled_from(_campaigns), kind=st.sampled_from(["redeem", "redeem", "unsubscribe", "complaint"]), occurred_at=_day),
        "unasked": st.sets(_member, max_size=2),  # members who did not consent to everything long ago
        "relevance": st.lists(st.sampled_from([0.05, 0.3, 0.4, 0.6, 0.8, None]), min_size=len(MEMBERS) * len(_offers), max_size=len(MEMBERS) * len(_offers)),
        "unscored": st.sets(st.sampled_from(_campaigns), max_size=2),  # campaigns of which nothing was scored
    }
)  # fmt: skip


class Theatre:
    """A database with the club's tables, and the decision compiled over them."""

    def __init__(self, threads: int = 2) -> None:
        self.con = ibis.duckdb.connect(threads=threads)
        self.definitions: dict[str, Table] = {**DEFINITIONS, "scores": SCORES}
        for name, definition in self.definitions.items():
            self.con.create_table(name, schema=definition.schema)
        club = Club.of({t.name: self.con.table(t.name) for t in SOURCE_TABLES})
        ledger = decide(club, NIGHT, self.con.table("scores"), POLICY, threshold=THRESHOLD)
        self.con.create_table("ledger", schema=ledger.schema())
        stored = self.con.table("ledger")
        self._ledger = self.con.compile(ledger)
        self._offers = self.con.compile(offer_table(stored, club, NIGHT))
        self._suppressed = self.con.compile(suppression_list(stored, club.audiences, POLICY, "1"))

    def play(self, tables: Mapping[str, Sequence[Row]]) -> dict[str, list[Row]]:
        """The ledger, offers and suppressions of a night of these tables."""
        for name, definition in self.definitions.items():
            rows = [{n: row.get(n) for n in definition.names} for row in tables.get(name, ())]
            held = pa.Table.from_pylist(rows, schema=definition.schema.to_pyarrow())
            self._fill(name, held)
        self._run("DELETE FROM ledger")
        self._run(f"INSERT INTO ledger {self._ledger}")
        return {
            "ledger": self._rows("SELECT * FROM ledger ORDER BY ALL"),
            "offers": self._rows(self._offers),
            "suppressed": self._rows(self._suppressed),
        }

    def _fill(self, name: str, held: pa.Table) -> None:
        self._run(f"DELETE FROM {name}")
        self.con.con.register("held", held)
        self._run(f"INSERT INTO {name} SELECT * FROM held")

    def _run(self, sql: str) -> None:
        self.con.con.execute(sql)

    def _rows(self, sql: str) -> list[Row]:
        rows: list[Row] = self.con.con.sql(sql).to_arrow_table().to_pylist()
        return rows


def night_of(events: Mapping[str, Any]) -> dict[str, list[Row]]:
    """The tables of one random night: what is fixed, what was drawn, and the scores."""
    tables = {name: rows_of(text, DEFINITIONS[name]) for name, text in FIXED.items()}
    for name, rows in events.items():
        if name in DEFINITIONS:
            tables[name] = [dict(row) for row in rows]
    long_ago = datetime.fromisoformat("2020-01-01")
    tables["consents"] += [
        {"member_id": member, "recorded_at": long_ago} for member in MEMBERS if member not in events["unasked"]
    ]
    for name, rows in tables.items():
        for number, row in enumerate(rows):
            row.update({k: v for k, v in USUAL.get(name, {}).items() if k not in row})
            row.setdefault(DEFINITIONS[name].key[0], f"{name}-{number}")
    tables["audiences"] = [{"campaign_id": c, "member_id": m} for c in _campaigns for m in MEMBERS]
    relevance = iter(events["relevance"])
    tables["scores"] = [
        {
            "campaign_id": c,
            "member_id": m,
            "offer_id": o,
            "relevance": r and r / 2,
            "mailing_relevance": r,
            "model_version": "1",
        }
        for (c, o), m, r in ((pair, m, next(relevance)) for pair in _offers for m in MEMBERS)
        if c not in events["unscored"]
    ]
    return tables
