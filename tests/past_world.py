"""A shop whose past can be read at a glance, for tests of features and examples; and a larger one made by chance, in which
members buy and answer by taste, for tests of what is learned. Nothing else.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

import ibis
import numpy as np

from ml.club import Club, table_of
from ml.night import Night
from ml.source_tables import SOURCE_TABLES
from tests.rule_world import rows_of

DEFINITIONS = {t.name: t for t in SOURCE_TABLES}
OSLO = "Europe/Oslo"
NIGHT = Night(date(2024, 3, 15), OSLO)
REQUIRED = [t.name for t in SOURCE_TABLES if not t.optional]

_USUAL: dict[str, dict[str, object]] = {
    "transactions": {"sales_channel": "store", "quantity": 1.0, "amount": Decimal(100), "discount": Decimal(0)},
    "products": {"department": "FOOD"},
    "campaigns": {"name": "a campaign", "message_class": "marketing", "channels": ["email"]},
    "offers": {"title": "An offer", "kind": "discount", "redeemable_in": ["store"]},
    "mailings": {"channel": "email"},
    "responses": {"kind": "redeem"},
}
_SHOP = {
    "products": """
        product_id | category | subcategory | brand | own_brand
        beans      | COFFEE   | WHOLE       | Solb  | no
        ground     | COFFEE   | GROUND      | Own   | yes
        loaf       | BREAD    | -           | Own   | yes""",
    "campaigns": """
        campaign_id | kind    | starts_on  | ends_on
        winter      | monthly | 2024-01-08 | 2024-02-04
        spring      | monthly | 2024-03-11 | 2024-04-07""",
    "offers": """
        offer_id | campaign_id
        w-beans  | winter
        w-loaf   | winter
        s-beans  | spring
        s-all    | spring""",
    "offer_products": """
        offer_id | product_id
        w-beans  | beans
        w-loaf   | loaf
        s-beans  | beans
        s-all    | ground
        s-all    | loaf""",
    "members": """
        member_id
        ada
        bo""",
    "transactions": "member_id | product_id | occurred_at",
    "mailings": "member_id | campaign_id | sent_at",
    "responses": "member_id | campaign_id | occurred_at",
}


def shop(**tables: str) -> Club:
    """The shop, with the given tables (as text) in place of its own."""
    rows = {name: rows_of(text, DEFINITIONS[name]) for name, text in {**_SHOP, **tables}.items()}
    return _club(rows)


def _club(rows: Mapping[str, list[dict[str, object]]]) -> Club:
    for name, held in rows.items():
        for number, row in enumerate(held):
            row.update({k: v for k, v in _USUAL.get(name, {}).items() if k not in row})
            for key in DEFINITIONS[name].key:
                row.setdefault(key, 1 if key == "line_no" else f"{name}-{number}")
    return Club.of({name: table_of(DEFINITIONS[name], held) for name, held in rows.items()})


def club_by_taste(members: int = 240, campaigns: int = 10, named: bool = False, seed: int = 1) -> tuple[Club, Night]:
    """A club in which each member likes two of eight categories, buys of them weekly, and answers offers of them with
    probability 0.5, of others 0.02. Campaigns are monthly, with one offer a category. With `named`, each mailing carries
    one offer, drawn by chance, and is clicked; else all, and is redeemed.

    Returns the club and the night after the last campaign closed.
    """
    rng = np.random.default_rng(seed)
    kinds = [f"K{k}" for k in range(8)]
    likes = np.array([rng.choice(8, 2, replace=False) for _ in range(members)])
    first = date(2022, 1, 3)
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in REQUIRED}
    rows["members"] = [{"member_id": f"m{m}"} for m in range(members)]
    rows["products"] = [
        {"product_id": f"p{k}", "category": kind, "brand": kind, "subcategory": kind} for k, kind in enumerate(kinds)
    ]
    for week in range(4 * campaigns + 12):
        for m in np.flatnonzero(rng.random(members) < 0.6):
            kind = rng.choice(likes[m]) if rng.random() < 0.8 else rng.integers(8)
            moment = datetime(2022, 1, 3, 12) + timedelta(weeks=week, minutes=int(m))
            rows["transactions"].append(
                {"member_id": f"m{m}", "product_id": f"p{kind}", "occurred_at": moment, "coupon_discount": Decimal(0)}
            )
    for c in range(campaigns):
        starts = first + timedelta(weeks=12 + 4 * c)
        name = f"c{c}"
        rows["campaigns"].append(
            {"campaign_id": name, "kind": "monthly", "starts_on": starts, "ends_on": starts + timedelta(days=20)}
        )
        rows["offers"] += [{"offer_id": f"{name}-{k}", "campaign_id": name} for k in range(8)]
        rows["offer_products"] += [{"offer_id": f"{name}-{k}", "product_id": f"p{k}"} for k in range(8)]
        sent = datetime.combine(starts, datetime.min.time()) + timedelta(hours=8)
        for m in range(members):
            carried = [int(rng.integers(8))] if named else range(8)
            rows["mailings"].append(
                {"member_id": f"m{m}", "campaign_id": name, "sent_at": sent}
                | ({"offer_id": f"{name}-{carried[0]}"} if named else {})
            )
            for k in carried:
                chance = (0.5 if named else 0.15) if k in likes[m] else 0.02 / (1 if named else 8)
                if rng.random() < chance:
                    rows["responses"].append({
                        "member_id": f"m{m}", "campaign_id": name, "offer_id": f"{name}-{k}", "kind": "click" if named else "redeem",
                        "occurred_at": sent + timedelta(days=int(rng.integers(1, 15))),
                    })  # fmt: skip
    return _club(rows), Night(first + timedelta(weeks=12 + 4 * campaigns), OSLO)


def on_engine(club: Club) -> Club:
    """The club's tables put into an engine of their own, once, instead of being read from memory by each query."""
    connection = ibis.duckdb.connect()
    for name, table in club.tables().items():
        connection.con.register(f"{name}_rows", table.to_pyarrow())
        connection.raw_sql(f"CREATE TABLE {name} AS SELECT * FROM {name}_rows")
        connection.con.unregister(f"{name}_rows")
    return Club.of({name: connection.table(name) for name in club.tables()})
