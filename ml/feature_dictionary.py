"""Every feature once: name, unit, meaning, family, grain and the stages of the model that use it. From this list are made
the model's inputs, the lake's feature tables and docs/features.md. How a feature is computed is in features_*.py.
"""

from dataclasses import dataclass
from enum import StrEnum

from ml.tables import Column, Table, Type


class Grain(StrEnum):
    """What a feature is a fact of."""

    MEMBER = "member"
    CATEGORY = "member x category"
    CAMPAIGN = "campaign"
    OFFER = "offer"
    MEMBER_CAMPAIGN = "member x campaign"
    MEMBER_OFFER = "member x offer"


@dataclass(frozen=True)
class Feature:
    """One feature.

    mailing, offer   is it an input of the mailing stage (will the member answer at all) and of the offer stage (which)
    monotone         +1 or -1 where sense demands that relevance never falls, or never rises, with it; 0 = free
    category         its values are names, not amounts
    """

    name: str
    unit: str
    meaning: str
    family: str
    grain: Grain
    mailing: bool = True
    offer: bool = False
    monotone: int = 0
    category: bool = False

    @property
    def column(self) -> Column:
        """The feature as a column of a lake table; any feature may be unknown."""
        kind = Type.STRING if self.category else Type.NUMBER
        return Column(self.name, kind, self.meaning, self.unit, nullable=True, personal="member" in self.grain)


FAMILIES: dict[str, str] = {
    "recency": "how lately the member shopped",
    "frequency": "how often the member shops",
    "spend": "how much the member buys",
    "breadth": "how wide the member's assortment is",
    "discount": "how the member uses discounts and coupons",
    "response": "how the member answered earlier mailings",
    "declared": "what the member has said",
    "calendar": "time of year and length of the campaign",
    "campaign": "what the campaign is",
    "affinity": "what of the campaign or offer the member buys",
    "coupon affinity": "where the member has used coupons before",
    "answered affinity": "which offers like it the member has answered",
    "replenishment": "whether it is time to buy again",
    "price": "what the member pays beside others",
    "offer": "kind, depth and breadth of the offer",
    "popularity": "how the club's members take to it",
}

_DAYS, _RATE, _SHARE, _DECAYED = "days", "per 30 days", "share 0..1", "baskets, halved every 45 days"


def _member(family: str, *rows: tuple[str, str, str], offer: bool = False) -> tuple[Feature, ...]:
    return tuple(Feature(name, unit, meaning, family, Grain.MEMBER, offer=offer) for name, unit, meaning in rows)


MEMBER: tuple[Feature, ...] = (
    *_member("recency",
        ("days_since_basket", _DAYS, "Since the last purchase."),
        ("basket_gap", _DAYS, "Usual days between two baskets."),
        ("basket_due", "usual gaps", "Days since the last basket over the usual gap."),
        ("tenure_days", _DAYS, "Since the first known purchase."),
    ),
    *_member("frequency",
        ("baskets_14", _RATE, "Baskets in the last 14 days."),
        ("baskets_28", _RATE, "Baskets in the last 28 days."),
        ("baskets_91", _RATE, "Baskets in the last 91 days."),
        ("baskets_all", _RATE, "Baskets since the first known purchase."),
        ("baskets_decayed", _DECAYED, "Baskets, the recent ones weighing most."),
        ("basket_trend", "doublings", "Baskets of 28 days against those of 91."),
    ),
    *_member("spend",
        ("spend_28", "currency per 30 days", "Spend in the last 28 days."),
        ("spend_91", "currency per 30 days", "Spend in the last 91 days."),
        ("spend_all", "currency per 30 days", "Spend since the first known purchase."),
        ("spend_per_basket", "currency", "Spend a basket."),
        ("lines_per_basket", "lines", "Lines on a receipt."),
    ),
    *_member("breadth",
        ("categories_known", "categories", "Different categories bought."),
        ("products_known", "products", "Different products bought."),
        ("new_products_28", _SHARE, "Of the products bought, those first bought in the last 28 days."),
    ),
    *_member("discount",
        ("discount_of_spend_91", _SHARE, "Discount of the price of what was bought in the last 91 days."),
        ("discount_of_spend", _SHARE, "Discount of the price of all that was bought."),
        ("discounted_lines_share", _SHARE, "Lines bought at a discount."),
        ("own_brand_share", _SHARE, "Spend on the shop's own brands."),
        ("coupon_baskets_28", _RATE, "Baskets with a coupon in the last 28 days."),
        ("coupon_baskets_91", _RATE, "Baskets with a coupon in the last 91 days."),
        ("coupon_money_all", "currency per 30 days", "Money saved by coupons."),
        ("days_since_coupon", _DAYS, "Since the last coupon used."),
    ),
    *_member("discount",
        ("coupon_baskets_all", _RATE, "Baskets with a coupon since the first known purchase."),
        ("coupon_baskets_decayed", _DECAYED, "Baskets with a coupon, the recent ones weighing most."),
        ("coupon_basket_share", _SHARE, "Baskets with a coupon, shrunk towards the usual for few baskets."),
        offer=True,
    ),
    *_member("response",
        ("campaigns_mailed", "campaigns", "Campaigns sent to the member before."),
        ("campaigns_answered", "campaigns", "Campaigns the member answered before."),
        ("answers_91", "answers", "Answers in the last 91 days."),
        ("answers_all", "answers", "Answers before."),
        ("days_since_answer", _DAYS, "Since the last answer."),
        ("days_since_mailed", _DAYS, "Since the last campaign sent."),
        ("contacts_7", "messages", "Messages sent in the last 7 days."),
        ("contacts_30", "messages", "Messages sent in the last 30 days."),
        ("answer_rate_decayed", _SHARE, "Campaigns answered, the recent ones weighing most, shrunk towards the club's rate."),
    ),
    *_member("response",
        ("answer_rate", _SHARE, "Campaigns answered, shrunk towards the club's rate."),
        ("answers_over_expected", "ratio", "Campaigns answered over what each campaign's own rate leads to expect, shrunk towards 1."),
        offer=True,
    ),
    *_member("declared",
        ("facts_known", "facts", "Facts the member has declared."),
        ("days_since_fact", _DAYS, "Since the last declared fact."),
        ("household_size", "persons", "Declared size of the household."),
        ("children", "persons", "Declared number of children."),
    ),
)  # fmt: skip


def _category(family: str, *rows: tuple[str, str, str]) -> tuple[Feature, ...]:
    return tuple(Feature(n, unit, meaning, family, Grain.CATEGORY, mailing=False) for n, unit, meaning in rows)


CATEGORY: tuple[Feature, ...] = (
    *_category("affinity",
        ("category_baskets", "baskets", "Baskets with the category."),
        ("category_baskets_91", "baskets", "Baskets with the category in the last 91 days."),
        ("category_baskets_decayed", _DECAYED, "Baskets with the category, the recent ones weighing most."),
        ("category_spend_share", _SHARE, "Of the member's spend, that on the category."),
    ),
    *_category("replenishment",
        ("category_days_since", _DAYS, "Since the category was last bought."),
        ("category_interval", _DAYS, "Usual days between two purchases; missing after one."),
        ("category_due", "usual intervals", "Days since the last over the usual interval."),
    ),
    *_category("price",
        ("category_price_position", "log ratio", "Price a unit before discount over the club's average in the category."),
    ),
    *_category("coupon affinity",
        ("category_coupons_decayed", _DECAYED, "Baskets with a coupon on the category."),
    ),
)  # fmt: skip


def _campaign(family: str, *rows: tuple[str, str, str], category: bool = False) -> tuple[Feature, ...]:
    return tuple(
        Feature(n, unit, meaning, family, Grain.CAMPAIGN, offer=True, category=category) for n, unit, meaning in rows
    )


CAMPAIGN: tuple[Feature, ...] = (
    *_campaign("campaign", ("campaign_kind", "", "Kind of campaign, in the club's own words."), category=True),
    *_campaign("campaign",
        ("offers", "offers", "Offers in the campaign."),
        ("club_spend_share", _SHARE, "Of the club's spend in 91 days, that on the campaign's products."),
    ),
    *_campaign("calendar",
        ("days_left", _DAYS, "Days left to answer in."),
        ("month", "month 1..12", "Month of the year."),
    ),
)  # fmt: skip


def _reach(family: str, *rows: tuple[str, str, str], monotone: int = 0) -> tuple[Feature, ...]:
    return tuple(Feature(n, u, meaning, family, Grain.MEMBER_CAMPAIGN, monotone=monotone) for n, u, meaning in rows)


MEMBER_CAMPAIGN: tuple[Feature, ...] = (
    *_reach("affinity",
        ("campaign_offers_known", _SHARE, "Of the campaign's offers, those of which the member has bought a product."),
        ("campaign_offers_known_91", _SHARE, "Of the campaign's offers, those bought of in the last 91 days."),
        ("campaign_best_product", _DECAYED, "Baskets with products of the offer the member buys most."),
        ("campaign_top_products", _DECAYED, "Baskets with products of the five offers the member buys most."),
        ("campaign_products_decayed", _DECAYED, "Baskets with products of all the offers, each offer counted."),
        ("campaign_best_line", _DECAYED, "Baskets with the brand within subcategory the member buys most."),
        ("campaign_best_subcategory", _DECAYED, "Baskets with the subcategory the member buys most."),
        ("campaign_spend_share", _SHARE, "Of the member's spend, that on the campaign's products."),
        ("campaign_spend_share_91", _SHARE, "The same in the last 91 days."),
        ("campaign_category_spend_share", _SHARE, "Of the member's spend, that in the campaign's categories."),
        ("campaign_category_spend_share_91", _SHARE, "The same in the last 91 days."),
        ("campaign_subcategory_spend_share", _SHARE, "Of the member's spend, that in the campaign's subcategories."),
        ("campaign_subcategory_spend_share_91", _SHARE, "The same in the last 91 days."),
        ("campaign_spend_lift", "log ratio", "Member's share of spend on the campaign's products over the club's."),
        ("campaign_decayed", _DECAYED, "Baskets by product of the campaign, each product counted once."),
        ("campaign_category_decayed", _DECAYED, "Baskets by category of the campaign."),
        ("campaign_subcategory_decayed", _DECAYED, "Baskets by subcategory of the campaign."),
    ),
    *_reach("replenishment",
        ("campaign_products_due", "offers", "Offers of whose products the member's usual interval is about over."),
    ),
    *_reach("coupon affinity",
        ("campaign_coupons", "baskets", "Baskets with a coupon by product of the campaign."),
        ("campaign_coupons_decayed", _DECAYED, "The same, the recent ones weighing most."),
        ("campaign_category_coupons", "baskets", "Baskets with a coupon by category of the campaign."),
        ("campaign_category_coupons_decayed", _DECAYED, "The same, the recent ones weighing most."),
        ("campaign_subcategory_coupons", "baskets", "Baskets with a coupon by subcategory of the campaign."),
        ("campaign_subcategory_coupons_decayed", _DECAYED, "The same, the recent ones weighing most."),
        ("campaign_product_coupons", _DECAYED, "Baskets with a coupon on products of the offers, each offer counted."),
        ("campaign_line_coupons", _DECAYED, "Baskets with a coupon by brand within subcategory of the offers."),
    ),
    *_reach("answered affinity",
        ("campaign_answered_product", "cosine", "Likeness by product of the campaign's offers to offers answered before, summed."),
        ("campaign_best_answered_product", "cosine", "The same of the likest offer."),
        ("campaign_answered_line", "cosine", "Likeness by brand within subcategory of the likest offer."),
        ("campaign_answered_subcategory", "cosine", "Likeness by subcategory of the likest offer."),
        ("campaign_answered_subcategories", "cosine", "Likeness by subcategory, summed over offers."),
    ),
    *_reach("response",
        ("kind_mailed", "campaigns", "Campaigns of the same kind sent before."),
        ("kind_answered", "campaigns", "Campaigns of the same kind answered before."),
        ("kind_over_expected", "ratio", "Answered over expected, of campaigns of the same kind."),
    ),
)  # fmt: skip


def _offer(family: str, *rows: tuple[str, str, str], category: bool = False) -> tuple[Feature, ...]:
    return tuple(
        Feature(n, u, meaning, family, Grain.OFFER, mailing=False, offer=True, category=category) for n, u, meaning in rows
    )


OFFER: tuple[Feature, ...] = (
    *_offer("offer", ("offer_kind", "", "Sort of offer."), ("department", "", "Department most of its products are in."), category=True),
    *_offer("offer",
        ("discount_share", _SHARE, "Discount as a share of the price, as planned."),
        ("price_tier", "tier 1..5", "Price tier, as planned."),
        ("products", "products", "Products it is for."),
        ("subcategories", "subcategories", "Subcategories it is for."),
        ("brands", "brands", "Brands it is for."),
        ("offer_own_brand", _SHARE, "Of its products, the shop's own brands."),
    ),
    *_offer("price",
        ("unit_price", "currency a unit", "Average price of its products before discount, last 91 days."),
    ),
    *_offer("popularity",
        ("reach", _SHARE, "Of the members who shopped in 91 days, those who bought of it."),
        ("reach_baskets", "baskets a member", "Baskets with its products in 91 days, over members who shopped."),
        ("baskets_per_buyer", "baskets", "Baskets a buyer in 91 days."),
        ("offer_coupon_lines", _SHARE, "Of the lines of its products in 91 days, those with a coupon."),
        ("offer_shelf_discount", _SHARE, "Average discount on its products in 91 days."),
        ("popularity", "answers a mailing", "Answers that offers of the same products got before, weighted by likeness, shrunk."),
        ("past_answers_alike", "answers", "Answers to offers of the same products, weighted by likeness."),
        ("likest_past_offer", "cosine", "Likeness to the likest earlier offer."),
    ),
)  # fmt: skip

_LEVELS = {
    "product": "the offer's products",
    "subcategory": "the offer's subcategories",
    "category": "the offer's categories",
    "brand": "the offer's brands",
    "line": "the offer's brands within their subcategories",
}


def _pair(family: str, name: str, unit: str, meaning: str, monotone: int = 0) -> Feature:
    return Feature(name, unit, meaning, family, Grain.MEMBER_OFFER, mailing=False, offer=True, monotone=monotone)


MEMBER_OFFER: tuple[Feature, ...] = (
    *(
        feature
        for level, words in _LEVELS.items()
        for feature in (
            _pair("affinity", f"{level}_baskets_91", "baskets", f"Baskets with {words} in the last 91 days."),
            _pair("affinity", f"{level}_baskets", "baskets", f"Baskets with {words}."),
            _pair("affinity", f"{level}_decayed", _DECAYED, f"Baskets with {words}, the recent ones weighing most."),
            _pair("affinity", f"{level}_days_since", _DAYS, f"Since {words} were last bought."),
            _pair("replenishment", f"{level}_due", "usual intervals", f"Days since {words} were last bought over the usual interval."),
            _pair("coupon affinity", f"{level}_coupons", _DECAYED, f"Baskets with a coupon on {words}."),
            _pair("affinity", f"{level}_spend_91", "currency", f"Spend on {words} in the last 91 days."),
        )
    ),
    _pair("affinity", "product_quantity", "units", "Units bought of the offer's products."),
    _pair("affinity", "offer_products_known", "products", "Of the offer's products, those bought."),
    _pair("answered affinity", "product_answered", "cosine", "Likeness by product to offers answered before."),
    _pair("answered affinity", "subcategory_answered", "cosine", "Likeness by subcategory to offers answered before."),
    _pair("answered affinity", "line_answered", "cosine", "Likeness by brand within subcategory to offers answered before."),
)  # fmt: skip

WITHIN: tuple[str, ...] = ("product_decayed", "line_decayed", "subcategory_decayed", "brand_decayed", "popularity")
RELATIVE: tuple[Feature, ...] = tuple(
    feature
    for name in WITHIN
    for feature in (
        _pair("affinity", f"{name}_rank", _SHARE, f"Place of the offer among the campaign's by {name}: 0 highest, 1 lowest."),
        _pair("affinity", f"{name}_share", _SHARE, f"Share of the offer in the sum over the campaign's offers of {name}."),
    )
)

FEATURES: tuple[Feature, ...] = (*MEMBER, *CATEGORY, *CAMPAIGN, *MEMBER_CAMPAIGN, *OFFER, *MEMBER_OFFER, *RELATIVE)
MAILING_INPUTS: tuple[str, ...] = tuple(f.name for f in FEATURES if f.mailing)
OFFER_INPUTS: tuple[str, ...] = tuple(f.name for f in FEATURES if f.offer)
CATEGORICAL: frozenset[str] = frozenset(f.name for f in FEATURES if f.category)

_MEMBER_ID = Column("member_id", Type.STRING, "The member.", personal=True)
_CAMPAIGN_ID = Column("campaign_id", Type.STRING, "The campaign.")
_OFFER_ID = Column("offer_id", Type.STRING, "The offer.")


def _table(name: str, meaning: str, keys: tuple[Column, ...], features: tuple[Feature, ...]) -> Table:
    return Table(name, meaning, tuple(k.name for k in keys), (*keys, *(f.column for f in features)))


MEMBER_FEATURES = _table("member_features", "Features of a member on a night.", (_MEMBER_ID,), MEMBER)
MEMBER_CATEGORY_FEATURES = _table(
    "member_category_features", "Features of a member and a category they have bought of.",
    (_MEMBER_ID, Column("category", Type.STRING, "The category.")), CATEGORY,
)  # fmt: skip
CAMPAIGN_FEATURES = _table("campaign_features", "Features of an active campaign on a night.", (_CAMPAIGN_ID,), CAMPAIGN)
MEMBER_CAMPAIGN_FEATURES = _table(
    "member_campaign_features", "Features of a member and a campaign they are in the audience of.", (_CAMPAIGN_ID, _MEMBER_ID), MEMBER_CAMPAIGN
)
OFFER_FEATURES = _table("offer_features", "Features of an active offer on a night.", (_CAMPAIGN_ID, _OFFER_ID), OFFER)
MEMBER_OFFER_FEATURES = _table(
    "member_offer_features", "Features of a member and an offer; a pair without any evidence has no row.",
    (_CAMPAIGN_ID, _MEMBER_ID, _OFFER_ID), MEMBER_OFFER,
)  # fmt: skip
FEATURE_TABLES: tuple[Table, ...] = (
    MEMBER_FEATURES, MEMBER_CATEGORY_FEATURES, CAMPAIGN_FEATURES, MEMBER_CAMPAIGN_FEATURES, OFFER_FEATURES, MEMBER_OFFER_FEATURES,
)  # fmt: skip
