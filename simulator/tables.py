"""A block's diary as the contract's tables. Every table of ml/source_tables.py that is not the plan's is made here or in
membership.py.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from simulator.assortment import CATEGORIES, CATEGORY, PRICE, PRODUCT_IDS, SUBCATEGORIES, TIERS
from simulator.club import Lived
from simulator.club_time import instant
from simulator.diary import KINDS
from simulator.membership import (
    STORE_IDS,
    consents_table,
    facts_table,
    facts_told,
    members_table,
    preferences_table,
)
from simulator.people import CHANNELS
from simulator.pieces import Named, joined, picked, texts
from simulator.plan import Offer, audience_of, campaigns_of
from simulator.shopping_trips import SALES_CHANNELS

_PRICES = np.round(PRICE[:, None] * TIERS, 2)
Columns = dict[str, np.ndarray]


def block_tables(lived: Lived) -> dict[str, pa.Table]:
    """The tables of a block's members: what happened before the club's last Monday."""
    people, told, diary, members = lived.life.people, lived.life.told, lived.diary, lived.members
    seed, ids, named = lived.life.seed, people.ids()[:members], Named(lived.offers)
    facts = facts_told(seed, people, told)
    kept = facts["member"] < members
    return {
        "members": members_table(seed, people, told).slice(0, members),
        "declared_facts": facts_table({name: values[kept] for name, values in facts.items()}, ids),
        "consents": consents_table(told, ids, diary.taken_back.columns(members, until=0)),
        "preferences": preferences_table(told, ids),
        "audiences": _audiences(seed, people.block, range(lived.weeks.start, 1), ids),
        "transactions": _transactions(diary.lines.columns(members, until=0), ids),
        "mailings": _mailings(diary.mailings.columns(members, until=0), ids, named),
        "responses": _responses(diary.responses.columns(members, until=0), ids, named),
        "feedback": _feedback(diary.feedback.columns(members, until=0), ids, lived.offers),
        "cases": _cases(diary.cases.columns(members, until=0), ids),
    }


def _audiences(seed: int, block: int, weeks: range, ids: np.ndarray) -> pa.Table:
    """Of every campaign begun by the last Monday, that day's included."""
    planned, members, names = list[np.ndarray](), list[np.ndarray](), list[str]()
    for week in weeks:
        audience = audience_of(seed, block, week)
        for n, campaign in enumerate(campaigns_of(seed, week)):
            found = np.flatnonzero(audience[: len(ids), n])
            planned.append(np.full(len(found), len(names)))
            members.append(found)
            names.append(campaign.campaign_id)
    return pa.table({
        "campaign_id": picked(np.concatenate(planned), names), "member_id": picked(np.concatenate(members), ids)
    })  # fmt: skip


def _transactions(c: Columns, ids: np.ndarray) -> pa.Table:
    """Lines in the order of members and receipts, numbered within each receipt."""
    order = np.lexsort((c["subcategory"], c["receipt"], c["member"]))
    c = {name: values[order] for name, values in c.items()}
    new = np.r_[True, (np.diff(c["receipt"]) != 0) | (np.diff(c["member"]) != 0)][: len(order)]
    start = np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))
    gross = _PRICES[c["subcategory"], c["tier"] - 1] * c["quantity"]
    bought = c["quantity"] > 0
    coupon = np.round(gross * c["coupon"], 2)
    shelf = np.round(gross * c["shelf"], 2)
    return pa.table({
        "transaction_id": joined(picked(c["member"], ids), pa.array(c["receipt"])),
        "line_no": np.arange(len(order)) - start + 1,
        "member_id": picked(c["member"], ids),
        "store_id": pa.DictionaryArray.from_arrays(pa.array(c["store"], pa.int32(), mask=c["sales_channel"] > 0), STORE_IDS),
        "sales_channel": picked(c["sales_channel"], SALES_CHANNELS),
        "product_id": picked(c["subcategory"].astype(np.int32) * 5 + c["tier"] - 1, PRODUCT_IDS),
        "quantity": c["quantity"].astype(np.float64),
        "amount": np.round(gross - shelf - coupon, 2),
        "discount": np.where(bought, shelf + coupon, 0.0).round(2),
        "coupon_discount": np.where(bought, coupon, 0.0),
        "occurred_at": instant(c["second"]),
    })  # fmt: skip


def _mailings(c: Columns, ids: np.ndarray, named: Named) -> pa.Table:
    member, campaign = picked(c["member"], ids), named.campaign(c["offer"])
    return pa.table({
        "mailing_id": joined(campaign, member), "member_id": member, "campaign_id": campaign,
        "offer_id": named.offer(c["offer"]), "channel": picked(c["channel"], CHANNELS),
        "sent_at": instant(c["second"]), "propensity": c["propensity"],
    })  # fmt: skip


def _responses(c: Columns, ids: np.ndarray, named: Named) -> pa.Table:
    member, offer, kind = picked(c["member"], ids), named.offer(c["offer"]), picked(c["kind"], KINDS)
    return pa.table({
        "response_id": joined(offer, member, kind), "member_id": member, "campaign_id": named.campaign(c["offer"]),
        "offer_id": offer, "kind": kind, "occurred_at": instant(c["second"]),
    })  # fmt: skip


def _feedback(c: Columns, ids: np.ndarray, offers: Sequence[Offer]) -> pa.Table:
    """Of the subcategory, or of the whole category."""
    of = np.array([o.subcategory for o in offers])[c["offer"]]
    words = np.array([*(s.name for s in SUBCATEGORIES), *CATEGORIES])
    member = picked(c["member"], ids)
    rows = len(of)
    return pa.table({
        "feedback_id": joined(member, pa.array(c["offer"])), "member_id": member,
        "scope": picked(c["scope"], ("subcategory", "category")),
        "scope_id": words[np.where(c["scope"] == 0, of, len(SUBCATEGORIES) + CATEGORY[of])],
        "verdict": picked(c["refused"].astype(np.int32), ("more_like_this", "not_for_me")),
        "stage": texts("before", rows), "source": texts("email", rows), "recorded_at": instant(c["second"]),
    })  # fmt: skip


def _cases(c: Columns, ids: np.ndarray) -> pa.Table:
    """Those that end after the last Monday are still open."""
    member = picked(c["member"], ids)
    closed = instant(c["closed"])
    return pa.table({
        "case_id": joined(member, pa.array(c["second"])), "member_id": member, "opened_at": instant(c["second"]),
        "closed_at": pa.array(closed.to_numpy(zero_copy_only=False), pa.timestamp("us"), mask=c["closed"] >= 0),
    })  # fmt: skip
