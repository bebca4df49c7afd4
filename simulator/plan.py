"""What the club's marketing plans, week by week for ever, whatever the members do: campaigns, their offers and whom they
are planned for. Whom the messages were sent to is not decided here.
"""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import pyarrow as pa

from simulator.assortment import CYCLE, PRICE, PRODUCT_IDS, SUBCATEGORIES, TIERS, season
from simulator.draws import BLOCK, Purpose, generator

LAST_MONDAY = date(2023, 11, 20)  # week 0: the night that follows the history
CAMPAIGNS_A_WEEK = 2
REMINDED_IN = {"Winter tyres": 41, "Summer tyres": 13}  # week of the year in which a reminder of it is planned
INSURANCES, INSURANCE_WEEKS = ("Home insurance", "Car insurance"), 8  # every so many weeks, as policies end all year
LASTS = 200  # days; what is bought less often is worth a reminder, and may be returned
_EVERYONE = 10**6  # the plan's place among the blocks: none of members
_RULES = {"f": {"gender": ["female"]}, "m": {"gender": ["male"]}, "baby": {"children": ["1", "2", "3"]}}


def day_of(week: int) -> date:
    return LAST_MONDAY + timedelta(weeks=week)


@dataclass(frozen=True)
class Offer:
    """An offer of one subcategory. tier 0 = every tier of it."""

    offer_id: str
    campaign_id: str
    week: int
    subcategory: int
    kind: str
    discount: float
    tier: int
    margin: float
    rule: str | None
    redeemable_in: tuple[str, ...]


@dataclass(frozen=True)
class Campaign:
    campaign_id: str
    week: int
    message_class: str
    channels: tuple[str, ...]
    reach: float  # share of the club that it is planned for
    offers: tuple[Offer, ...]


@lru_cache(maxsize=4096)
def campaigns_of(seed: int, week: int) -> tuple[Campaign, ...]:
    """The campaigns that start on the Monday of a week; each lasts two weeks."""
    rng = generator(seed, _EVERYONE, Purpose.PLAN, week)
    drawn = tuple(_campaign(rng, week, n) for n in range(CAMPAIGNS_A_WEEK))
    year_week = day_of(week).isocalendar().week
    due = [name for name, planned in REMINDED_IN.items() if planned == year_week]
    due += INSURANCES if week % INSURANCE_WEEKS == 0 else ()
    return drawn + ((_reminders(week, due),) if due else ())


def _reminders(week: int, names: list[str]) -> Campaign:
    """A campaign for the whole club that reminds of what is bought again after a time; who is due is not its business."""
    campaign_id = f"c{day_of(week):%Y%m%d}r"
    place = {s.name: n for n, s in enumerate(SUBCATEGORIES)}
    offers = tuple(
        Offer(f"{campaign_id}-{n}", campaign_id, week, place[name], "reminder", 0.0, 0,
              round(float(PRICE[place[name]]) * 0.2, 2), None, ("store", "web"))
        for n, name in enumerate(names, start=1)
    )  # fmt: skip
    return Campaign(campaign_id, week, "marketing", ("email", "sms"), 1.0, offers)


def _campaign(rng: np.random.Generator, week: int, n: int) -> Campaign:
    campaign_id = f"c{day_of(week):%Y%m%d}{'ab'[n]}"
    message_class = str(rng.choice(["marketing", "content", "service"], p=[0.86, 0.09, 0.05]))
    channels = [("email",), ("email", "sms"), ("push", "email"), ("post",)][int(rng.choice(4, p=[0.5, 0.2, 0.2, 0.1]))]
    chosen = rng.choice(len(SUBCATEGORIES), size=int(rng.integers(2, 5)), replace=False, p=_planned(week))
    offers = tuple(_offer(rng, campaign_id, week, i, int(s), message_class) for i, s in enumerate(chosen))
    return Campaign(campaign_id, week, message_class, channels, float(rng.uniform(0.3, 0.6)), offers)


def _planned(week: int) -> np.ndarray:
    """How likely each subcategory is to be chosen for a campaign: what is in season, and what is bought often, before the rest."""
    weight = season(day_of(week).isocalendar().week) / np.sqrt(CYCLE)
    share: np.ndarray = weight / weight.sum(dtype=np.float64)
    return share.astype(np.float64) / share.sum(dtype=np.float64)


def _offer(
    rng: np.random.Generator, campaign_id: str, week: int, n: int, subcategory: int, message_class: str
) -> Offer:
    kind = {"content": "content", "service": "service"}.get(message_class) or str(
        rng.choice(["discount", "content", "reminder", "event"], p=[0.75, 0.09, 0.08, 0.08])
    )
    lasting, wanted = CYCLE[subcategory] >= LASTS, season(day_of(week).isocalendar().week)[subcategory] >= 1
    if kind == "reminder" and not (lasting and wanted):  # nobody is reminded of bread, or of winter tyres in May
        kind = "event"
    discount = float(rng.choice([0.1, 0.2, 0.3, 0.4])) if kind == "discount" else 0.0
    tier = int(rng.integers(1, 6)) if rng.random() < 0.6 else 0
    price = PRICE[subcategory] * (TIERS[tier - 1] if tier else 1.0)
    rule = _RULES.get(SUBCATEGORIES[subcategory].who)
    where = [("store", "web"), ("store",), ("web", "app")][int(rng.choice(3, p=[0.7, 0.2, 0.1]))]
    return Offer(
        f"{campaign_id}-{n + 1}", campaign_id, week, subcategory, kind, discount, tier,
        round(float(price * (0.45 - discount)), 2), json.dumps(rule) if rule else None, where,
    )  # fmt: skip


def offers_of(seed: int, week: int) -> tuple[Offer, ...]:
    return tuple(offer for campaign in campaigns_of(seed, week) for offer in campaign.offers)


def audience_of(seed: int, block: int, week: int) -> np.ndarray:
    """Whom the campaigns of a week are planned for; (members, campaigns), true or false."""
    reach = np.array([c.reach for c in campaigns_of(seed, week)])
    return generator(seed, block, Purpose.AUDIENCE, week).random((BLOCK, len(reach))) < reach


def plan_tables(seed: int, first: int, last: int) -> dict[str, pa.Table]:
    """The tables campaigns, offers and offer_products of the weeks from first to last, both included."""
    campaigns = [c for week in range(first, last + 1) for c in campaigns_of(seed, week)]
    offers = [o for c in campaigns for o in c.offers]
    strings = pa.list_(pa.string())
    return {
        "campaigns": pa.table({
            "campaign_id": [c.campaign_id for c in campaigns],
            "name": [" and ".join(dict.fromkeys(SUBCATEGORIES[o.subcategory].name for o in c.offers)) for c in campaigns],
            "kind": [c.offers[0].kind for c in campaigns],
            "message_class": [c.message_class for c in campaigns],
            "starts_on": [day_of(c.week) for c in campaigns],
            "ends_on": [day_of(c.week) + timedelta(days=13) for c in campaigns],
            "channels": pa.array([list(c.channels) for c in campaigns], strings),
        }),
        "offers": pa.table({
            "offer_id": [o.offer_id for o in offers],
            "campaign_id": [o.campaign_id for o in offers],
            "title": [_title(o) for o in offers],
            "kind": [o.kind for o in offers],
            "discount_share": pa.array([o.discount or None for o in offers], pa.float64()),
            "price_tier": pa.array([o.tier or None for o in offers], pa.int64()),
            "margin": [o.margin for o in offers],
            "audience_rule": pa.array([o.rule for o in offers], pa.string()),
            "redeemable_in": pa.array([list(o.redeemable_in) for o in offers], strings),
        }),
        "offer_products": pa.table({
            "offer_id": [o.offer_id for o in offers for _ in range(1 if o.tier else 5)],
            "product_id": [PRODUCT_IDS[o.subcategory * 5 + t] for o in offers for t in ([o.tier - 1] if o.tier else range(5))],
        }),
    }  # fmt: skip


def _title(offer: Offer) -> str:
    name = SUBCATEGORIES[offer.subcategory].name
    if offer.kind == "discount":
        return f"{offer.discount:.0%} off {name.lower()}"
    return {"content": "Reading: ", "reminder": "Time again: ", "event": "An evening on ", "service": "Help with "}[
        offer.kind
    ] + name.lower()
