"""A club of some hundred members who answer as their purchases foretell, drawn from a seed, for nights from end to end.
A club to be checked by eye is in clubs.py, which also writes these frames to files.

    frames = small_club()
    write_csv_club(folder, frames)

Each member is fond of one category, buys mostly in it, and answers an offer of it six times as often as any other. Eight
campaigns are over on BUSINESS_DATE, two are running. Members' ids begin with MARK, so that a trace of them is easily found.
"""

import random
from collections.abc import Mapping
from datetime import date, datetime, timedelta

import pandas as pd

from tests.clubs import DEFINITIONS

BUSINESS_DATE = date(2024, 3, 15)
MARK = "kdz"
MEMBERS = 400
CATEGORIES = ("FISHING", "HUNTING", "RUNNING", "KITCHEN")
PAST = tuple(f"past-{n}" for n in range(1, 9))
RUNNING = ("spring", "easter")
OVER = BUSINESS_DATE - timedelta(days=5)  # the last day of the newest campaign that is over
LAST_HEARD = timedelta(hours=21)  # after midnight UTC: the evening before the night

# The club is small, so little must be enough to train on.
POLICY = """
[training]
least_mailings = 200
least_responses = 20
"""


def small_club(members: int = MEMBERS, answers: bool = True, seed: int = 1) -> dict[str, pd.DataFrame]:
    """table -> frame with the contract's columns as Python values (times UTC without zone), the same for the same seed.

    answers   False: nobody has answered any campaign, so that there is nothing to learn from
    """
    draw = random.Random(seed)
    names = [f"{MARK}{n:04d}" for n in range(1, members + 1)]
    fond_of = {name: draw.choice(CATEGORIES) for name in names}
    offers = [row for campaign in (*PAST, *RUNNING) for row in _offers(campaign)]
    audiences, mailings, responses = _mailed(draw, names, fond_of)
    rows: dict[str, list[tuple[object, ...]]] = {
        "members": [
            (name, date(2020, 1, 1 + at % 28), draw.randint(1940, 2000), "0150", None, "Kim", "no")
            for at, name in enumerate(names)
        ],
        "products": [
            (f"{c}-{k}", "SHOP", c, c, f"brand{k % 3}", 100.0 + 50 * k, k == 1) for c in CATEGORIES for k in range(1, 7)
        ],
        "transactions": _purchases(draw, names, fond_of),
        "campaigns": _campaigns(),
        "offers": offers,
        "offer_products": [(offer[0], f"{offer[2]}-{k}") for offer in offers for k in range(1, 5)],
        "audiences": audiences,
        "mailings": mailings,
        "responses": responses if answers else responses[:5],
        "consents": _consents(draw, names),
        "preferences": [(n, "email", False, None, datetime(2024, 1, 5), "web") for n in names[3::100]],
        "feedback": [
            (f"f{at}", name, "category", "FISHING", "not_for_me", "before", "email", datetime(2024, 2, 1))
            for at, name in enumerate(names[5::80])
        ],
    }
    return {name: _frame(name, held) for name, held in rows.items()}


def plant_faults(frames: Mapping[str, pd.DataFrame]) -> dict[tuple[str, str], int]:
    """Break a few rows in place. (table, rule) -> rows that are to be found in quarantine, and no others."""
    bought, sent, given = frames["transactions"], frames["mailings"], frames["responses"]
    bought.loc[0, "member_id"] = "nobody"
    bought.loc[[10, 11], "discount"] = -1.0
    bought.loc[20, "amount"] = float("inf")
    sent.loc[0, "channel"] = "pigeon"
    sent.loc[5, "mailing_id"] = sent.loc[4, "mailing_id"]
    given.loc[3, "occurred_at"] = datetime(2999, 1, 1)
    return {
        ("transactions", "unknown:member_id"): 1,
        ("transactions", "range:discount"): 2,
        ("transactions", "not_finite:amount"): 1,
        ("mailings", "value:channel"): 1,
        ("mailings", "duplicate:mailing_id"): 1,
        ("responses", "future:occurred_at"): 1,
    }


def _frame(table: str, rows: list[tuple[object, ...]]) -> pd.DataFrame:
    columns = [c.name for c in DEFINITIONS[table].columns if not c.added or table == "products"]
    return pd.DataFrame(rows, columns=columns, dtype=object)


def _offers(campaign: str) -> list[tuple[object, ...]]:
    """Three of the four categories, another one left out each time."""
    left_out = CATEGORIES[sum(map(ord, campaign)) % 4]
    return [
        (f"{campaign}-{c}", campaign, c, "discount", 0.2, None, 60.0, None, ["store", "web"])
        for c in CATEGORIES
        if c != left_out
    ]


def _campaigns() -> list[tuple[object, ...]]:
    spans = [(OVER - timedelta(days=21 * (8 - n) + 13), 13) for n in range(1, 9)]
    spans += [(BUSINESS_DATE - timedelta(days=4), 20), (BUSINESS_DATE - timedelta(days=2), 30)]
    return [
        (name, name.title(), None, "marketing", first, first + timedelta(days=days), ["email"])
        for name, (first, days) in zip((*PAST, *RUNNING), spans, strict=True)
    ]


def _mailed(
    draw: random.Random, names: list[str], fond_of: Mapping[str, str]
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]], list[tuple[object, ...]]]:
    """(audiences, mailings, responses). Of the running campaigns only the audiences: nothing has been sent yet."""
    audiences: list[tuple[object, ...]] = []
    mailings: list[tuple[object, ...]] = []
    responses: list[tuple[object, ...]] = []
    for campaign, *_, first, _, _ in _campaigns():
        chosen = sorted(draw.sample(names, len(names) * 2 // 3))
        audiences += [(campaign, name) for name in chosen]
        if campaign in RUNNING:
            continue
        sent_at = datetime.combine(first, datetime.min.time()) + timedelta(hours=9)
        offers = _offers(str(campaign))
        for name in chosen:
            offer_id, _, category = draw.choice(offers)[:3]
            mailings.append((f"x{len(mailings)}", name, campaign, offer_id, "email", sent_at, None))
            if draw.random() < (0.42 if category == fond_of[name] else 0.07):
                at = sent_at + timedelta(hours=draw.randint(1, 200))
                responses.append((f"r{len(responses)}", name, campaign, offer_id, "redeem", at))
    return audiences, mailings, responses


def _purchases(draw: random.Random, names: list[str], fond_of: Mapping[str, str]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for name in names:
        for _ in range(draw.randint(8, 20)):
            at = datetime(2023, 3, 15, 10) + timedelta(minutes=draw.randrange(365 * 24 * 60))
            category = fond_of[name] if draw.random() < 0.8 else draw.choice(CATEGORIES)
            price = 80.0 + 40 * draw.randint(1, 6)
            receipt = f"t{len(rows)}"
            product = f"{category}-{draw.randint(5, 6)}"  # not those on offer: a thing just bought is not offered
            rows.append((receipt, 1, name, None, "store", product, 1, price, 0.0, at))
    return rows


def _consents(draw: random.Random, names: list[str]) -> list[tuple[object, ...]]:
    """Nine of ten say yes; every 20th has taken it back, every 30th never gave it, and the list is of yesterday evening
    on each of the three nights up to BUSINESS_DATE."""
    rows: list[tuple[object, ...]] = []
    for at, name in enumerate(names):
        if at % 30 == 7:
            continue
        said_at = datetime(2023, 1, 1, 12) + timedelta(days=draw.randrange(30))
        rows += [(name, purpose, "all", True, said_at, "web") for purpose in ("marketing", "profiling")]
        if at % 20 == 4:
            rows.append((name, "marketing", "all", False, datetime(2024, 2, 1), "web"))
    for days in range(3):
        evening = datetime.combine(BUSINESS_DATE - timedelta(days=days + 1), datetime.min.time()) + LAST_HEARD
        rows.append((names[0], "profiling", "all", True, evening, "web"))
    return rows
