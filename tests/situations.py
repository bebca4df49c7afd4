"""A club of one member a situation, as a folder of CSV would bring it: who they are, what they did, what is planned for them
and what must come of it. The names and numbers are other than those of the specs. What is tested on it is in
test_situations.py.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd

from ml.source_tables import SOURCE_TABLES
from tests.situations_shop import OFFERS, PRODUCTS

NIGHT = date(2025, 5, 20)
NOON = datetime(2025, 5, 19, 12)
POLICY = (Path(__file__).parent.parent / "policy.toml").read_text()

_ids = count(1)


class Written:
    """The club's tables, written member by member."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {
            n: []
            for n in (
                "members", "products", "transactions", "campaigns", "offers", "offer_products", "mailings", "responses",
                "audiences", "declared_facts", "consents", "preferences", "feedback", "cases",
            )
        }  # fmt: skip
        self.expected: dict[tuple[str, str], str] = {}
        for product, (department, category, sub, brand, price) in PRODUCTS.items():
            self.add(
                "products", product_id=product, department=department, category=category,
                subcategory=None if sub == "-" else sub, brand=brand, list_price=price,
            )  # fmt: skip
        for offer, said in OFFERS.items():
            product = said.get("product", offer)
            self.campaign(offer, said.get("message_class", "marketing"), channels=said.get("channels", '["email"]'))
            own = {n: said.get(n) for n in ("audience_rule", "price_tier", "margin")}
            self.add(
                "offers", offer_id=offer, campaign_id=offer, title=said.get("title", offer), kind=said.get("kind", "discount"),
                redeemable_in=said.get("redeemable_in", '["store"]'), **own,
            )  # fmt: skip
            if product:
                self.add("offer_products", offer_id=offer, product_id=product)
        for number in range(1, 4):  # what went out before
            self.campaign(
                f"past{number}", starts=NOON.date() - timedelta(days=60), ends=NOON.date() - timedelta(days=1)
            )

    def add(self, table: str, **row: Any) -> None:
        self.rows[table].append(row)

    def campaign(
        self, name: str, kind: str = "marketing", channels: str = '["email"]',
        starts: date = NIGHT - timedelta(days=2), ends: date = NIGHT + timedelta(days=12),
    ) -> None:  # fmt: skip
        self.add("campaigns", campaign_id=name, name=name, message_class=kind, starts_on=starts, ends_on=ends, channels=channels)  # fmt: skip

    def member(
        self, name: str, expected: Mapping[str, str], consented: bool = True, shops: bool = True, **own: Any
    ) -> str:
        """A member of the audience of the campaigns in `expected`, with the reason each must end in ("" = offered). Unless
        told otherwise they said yes to everything long ago and buy milk now and then."""
        self.add("members", member_id=name, **own)
        for campaign, reason in expected.items():
            self.add("audiences", campaign_id=campaign, member_id=name)
            self.expected[campaign, name] = reason
        if consented:
            self.consent(name, True, 700)
            self.consent(name, True, 700, purpose="profiling")
        if shops:
            self.buys(name, "milk", 300, 200, 100)
        return name

    def consent(self, name: str, granted: bool, days: float, channel: str = "all", purpose: str = "marketing") -> None:
        self.add("consents", member_id=name, purpose=purpose, channel=channel, granted=granted, recorded_at=ago(days))

    def buys(self, name: str, product: str, *days: float, channel: str = "store") -> None:
        for day in days:
            self.add(
                "transactions", transaction_id=f"t{next(_ids)}", line_no=1, member_id=name, sales_channel=channel, product_id=product,
                quantity=1, amount=PRODUCTS[product][4], discount=0, occurred_at=ago(day),
            )  # fmt: skip

    def declares(self, name: str, fact: str, value: str, days: float) -> None:
        self.add("declared_facts", member_id=name, fact=fact, value=value, declared_at=ago(days))

    def refuses(self, name: str, scope: str, of: str, days: float) -> None:
        self.add("feedback", feedback_id=f"f{next(_ids)}", member_id=name, scope=scope, scope_id=of, verdict="not_for_me", recorded_at=ago(days))  # fmt: skip

    def sent(self, name: str, campaign: str, days: float, offer: str | None = None, channel: str = "email") -> None:
        self.add("mailings", mailing_id=f"m{next(_ids)}", member_id=name, campaign_id=campaign, offer_id=offer, channel=channel, sent_at=ago(days))  # fmt: skip

    def answers(self, name: str, campaign: str, kind: str, days: float) -> None:
        self.add("responses", response_id=f"r{next(_ids)}", member_id=name, campaign_id=campaign, kind=kind, occurred_at=ago(days))  # fmt: skip

    def frames(self) -> dict[str, pd.DataFrame]:
        names = {t.name: [c.name for c in t.columns if not c.added] for t in SOURCE_TABLES}
        return {name: pd.DataFrame(rows, columns=names[name], dtype=object) for name, rows in self.rows.items()}


def ago(days: float) -> datetime:
    return NOON - timedelta(days=days)


def written() -> Written:
    """The club with all its situations."""
    club = Written()
    _crowd(club)
    _declarations(club)
    _refusals(club)
    _shopping(club)
    _reminders(club)
    _consent(club)
    _channels(club)
    _limits(club)
    return club


def _crowd(club: Written) -> None:
    """Others, who tell how often things are bought: milk weekly, television sets and the like every some years."""
    for number in range(30):
        name = club.member(f"crowd{number:02}", {}, shops=False)
        club.buys(name, "milk", *range(3, 300, 7))
        club.buys(name, "beans", *range(5 + number, 300, 30))
        club.buys(name, ("tv1", "tv3", "tv4")[number % 3], 600 + number)
        club.buys(name, ("washer2", "washer3", "washer4")[number % 3], 650 + number)
        club.buys(name, "tyre", 1000 - number, 100 - number)
        club.buys(name, "cover", 800 - number, 435 - number, 70 - number)


def _declarations(club: Written) -> None:
    man = club.member("a-man", {"gown": "DECLARED_MISMATCH", "beans": ""})
    club.declares(man, "gender", "man", 400)
    woman = club.member("a-woman", {"gown": ""})
    club.declares(woman, "gender", "Woman", 30)
    unsaid = club.member("of-no-said-gender", {"gown": ""})
    club.buys(unsaid, "beans", 40)
    fresh = club.member("childless-since-june", {"pram": "DECLARED_MISMATCH"})
    club.declares(fresh, "children", "0", 340)
    old = club.member("childless-long-ago", {"pram": ""})
    club.declares(old, "children", "0", 380)
    weekly = club.member("childless-with-nappies", {"nappy": "DECLARED_MISMATCH", "pram": "DECLARED_MISMATCH"})
    club.declares(weekly, "children", "0", 100)
    club.buys(weekly, "nappy", *range(2, 90, 7))
    changed = club.member("became-a-parent", {"pram": ""})
    club.declares(changed, "children", "0", 300)
    club.declares(changed, "children", "1", 20)


def _refusals(club: Written) -> None:
    reach = {  # what each scope stops of: this offer, the same sort, the same category, the rest of the department, the brand
        ("offer", "pan"): {"pan": "NOT_FOR_ME", "wok": "", "knife": ""},
        ("product", "pan"): {"pan": "NOT_FOR_ME", "wok": "", "grill": ""},
        ("subcategory", "FRYING PANS"): {"pan": "NOT_FOR_ME", "wok": "NOT_FOR_ME", "casserole": ""},
        ("category", "PANS"): {"wok": "NOT_FOR_ME", "casserole": "NOT_FOR_ME", "knife": ""},
        ("department", "KITCHEN"): {"casserole": "NOT_FOR_ME", "knife": "NOT_FOR_ME", "grill": ""},
        ("brand", "Jern"): {"pan": "NOT_FOR_ME", "grill": "NOT_FOR_ME", "wok": ""},
    }
    for (scope, of), expected in reach.items():
        club.refuses(club.member(f"no-to-{scope}", expected), scope, of, 200)
    club.refuses(club.member("no-to-category-long-ago", {"casserole": ""}), "category", "PANS", 380)


def _shopping(club: Written) -> None:
    rich = club.member("dear-tv-cheap-washer", {"tv5": "", "washer5": "PRICE_TIER_MISMATCH", "washer1": ""})
    club.buys(rich, "tv5", 1700)
    club.buys(rich, "washer1", 1500)
    new = club.member("new-washer", {"washer5": "JUST_BOUGHT", "tv5": ""})
    club.buys(new, "washer4", 80)
    back = club.member("washer-brought-back", {"washer5": ""})
    club.buys(back, "washer4", 80)
    club.rows["transactions"].append({**club.rows["transactions"][-1], "transaction_id": "back", "quantity": -1, "amount": -12000, "occurred_at": ago(70)})  # fmt: skip
    slow = club.member("coffee-each-quarter", {"beans": "NOT_DUE"})
    club.buys(slow, "beans", 370, 280, 190, 100, 10)
    quick = club.member("coffee-each-week", {"beans": ""})
    club.buys(quick, "beans", *range(4, 60, 7))
    angler = club.member("angler", {"reel": "", "suit": ""})
    club.buys(angler, "fly", *range(10, 130, 10))
    club.buys(angler, "pole", 30)


def _reminders(club: Written) -> None:
    for name, product, days, reason in (
        ("tyres-due", "tyre", (1795, 895), ""),
        ("tyres-new", "tyre", (1000, 100), "NOT_DUE"),
        ("no-tyres", "milk", (5,), "NOT_DUE"),
    ):
        club.buys(club.member(name, {"tyre-reminder": reason}), product, *days)
    club.buys(club.member("insurance-due", {"cover-reminder": ""}), "cover", 1085, 720, 355)
    club.buys(club.member("insurance-in-autumn", {"cover-reminder": "NOT_DUE"}), "cover", 960, 595, 230)
    for name, day, reason in (
        ("wed-on-2-june", "2011-06-02", ""),
        ("wed-on-20-december", "2003-12-20", "NOT_DUE"),
        ("wed-on-unknown-day", None, "NOT_DUE"),
        ("wed-on-illegible-day", "soon", "NOT_DUE"),
    ):
        member = club.member(name, {"wedding-day": reason, "roses-for-the-day": reason})
        if day:
            club.declares(member, "wedding_date", day, 500)
    told = club.member("told-of-the-day", {"wedding-day": "ALREADY_SENT"})
    club.declares(told, "wedding_date", "2011-06-02", 500)
    club.sent(told, "wedding-day", 1.5, "wedding-day")


def _consent(club: Written) -> None:
    club.member("never-asked", {"beans": "NO_CONSENT", "recall": ""}, consented=False)
    objector = club.member("objector", {"beans": "OBJECTED", "recipes": "OBJECTED", "recall": ""})
    club.consent(objector, False, 20)
    by_mail = club.member("no-to-email", {"text": "", "beans": "NO_CONSENT"})
    club.consent(by_mail, False, 20, channel="email")
    unprofiled = club.member("no-profile", {"beans": "NO_CONSENT", "recipes": "", "recall": ""})
    club.consent(unprofiled, False, 20, purpose="profiling")
    club.answers(club.member("reported-us", {"beans": "COMPLAINED", "recall": ""}), "past1", "complaint", 15)
    left = club.member("unsubscribed", {"beans": "NO_CONSENT"})
    club.sent(left, "past1", 30)
    club.answers(left, "past1", "unsubscribe", 29)
    club.member("fifteen", {"beans": "UNDERAGE", "recall": ""}, birth_year=2010)
    club.member("maybe-seventeen", {"beans": "UNDERAGE"}, birth_year=2007)
    club.member("eighteen", {"beans": ""}, birth_year=2006)
    club.add("cases", case_id="c1", member_id=club.member("complaining", {"beans": "OPEN_CASE", "recall": ""}), opened_at=ago(4))  # fmt: skip
    club.add("cases", case_id="c2", member_id=club.member("helped", {"beans": ""}), opened_at=ago(40), closed_at=ago(20))  # fmt: skip


def _channels(club: Written) -> None:
    def prefers(name: str, channel: str, wanted: bool, most: int | None = None) -> None:
        club.add("preferences", member_id=name, channel=channel, wanted=wanted, max_per_week=most, recorded_at=ago(50))

    prefers(club.member("no-email-please", {"beans": "CHANNEL_OPT_OUT", "text": "", "recall": "CHANNEL_OPT_OUT"}), "email", False)  # fmt: skip
    prefers(club.member("rather-text", {"text": "", "long-text": ""}), "sms", True)
    club.member("never-in-the-app", {"app-only": "NOT_REDEEMABLE"})
    club.buys(club.member("in-the-app", {"app-only": ""}), "milk", 30, channel="app")
    weekly = club.member("one-a-week", {"beans": "CHANNEL_CAP", "recall": ""})
    prefers(weekly, "email", True, 1)
    club.sent(weekly, "past1", 6.4)
    rolled = club.member("one-a-week-eight-days-ago", {"beans": ""})
    prefers(rolled, "email", True, 1)
    club.sent(rolled, "past1", 8)
    none = club.member("none-a-week", {"beans": "CHANNEL_OPT_OUT"})
    prefers(none, "email", True, 0)


def _limits(club: Written) -> None:
    full = club.member("three-this-week", {"beans": "MEMBER_CAP", "recall": ""})
    for number in range(1, 4):
        club.sent(full, f"past{number}", number)
    served = club.member("served-this-week", {"beans": ""})
    for day in range(3):
        club.sent(served, "recall", 1 + day / 10, channel="sms")
    coffee = club.member("three-offers-of-coffee", {"beans": "CATEGORY_CAP", "milk": "", "recall": ""})
    for number in range(1, 4):  # one message with three offers
        club.add(
            "offers",
            offer_id=f"old{number}",
            campaign_id="past1",
            title="coffee",
            kind="discount",
            redeemable_in='["store"]',
        )
        club.add("offer_products", offer_id=f"old{number}", product_id="beans")
        club.sent(coffee, "past1", 2, f"old{number}")
    club.member("worth-no-letter", {"letter": "NO_VALUE", "dear-letter": ""})
    told = club.member("had-it-before", {"beans": "ALREADY_SENT"})
    club.sent(told, "beans", 1.2, "beans")
    club.member("just-joined", {"milk": "", "sofa": "LOW_CONFIDENCE", "recall": ""}, shops=False, joined_on=NIGHT - timedelta(days=3))  # fmt: skip
