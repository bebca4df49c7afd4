"""The list of features of a campaign, an offer, and a member with either. How they are computed is in features_offer.py,
features_campaign.py and features_affinity.py; those of an offer beside the campaign's others in examples.py.
"""

from ml.feature import DAYS, DECAYED, SHARE, Feature, Grain


def _campaign(family: str, *rows: tuple[str, str, str], category: bool = False) -> tuple[Feature, ...]:
    return tuple(
        Feature(n, unit, meaning, family, Grain.CAMPAIGN, offer=True, category=category) for n, unit, meaning in rows
    )


CAMPAIGN: tuple[Feature, ...] = (
    *_campaign("campaign", ("campaign_kind", "", "Kind of campaign, in the club's own words."), category=True),
    *_campaign("campaign",
        ("offers", "offers", "Offers in the campaign."),
        ("club_spend_share", SHARE, "Of the club's spend in 91 days, that on the campaign's products."),
    ),
    *_campaign("calendar",
        ("days_left", DAYS, "Days left to answer in."),
        ("month", "month 1..12", "Month of the year."),
    ),
)  # fmt: skip


def _reach(family: str, *rows: tuple[str, str, str], monotone: int = 0) -> tuple[Feature, ...]:
    return tuple(Feature(n, u, meaning, family, Grain.MEMBER_CAMPAIGN, monotone=monotone) for n, u, meaning in rows)


MEMBER_CAMPAIGN: tuple[Feature, ...] = (
    *_reach("affinity",
        ("campaign_offers_known", SHARE, "Of the campaign's offers, those of which the member has bought a product."),
        ("campaign_offers_known_91", SHARE, "Of the campaign's offers, those bought of in the last 91 days."),
        ("campaign_best_product", DECAYED, "Baskets with products of the offer the member buys most."),
        ("campaign_top_products", DECAYED, "Baskets with products of the five offers the member buys most."),
        ("campaign_products_decayed", DECAYED, "Baskets with products of all the offers, each offer counted."),
        ("campaign_best_line", DECAYED, "Baskets with the brand within subcategory the member buys most."),
        ("campaign_best_subcategory", DECAYED, "Baskets with the subcategory the member buys most."),
        ("campaign_spend_share", SHARE, "Of the member's spend, that on the campaign's products."),
        ("campaign_spend_share_91", SHARE, "The same in the last 91 days."),
        ("campaign_category_spend_share", SHARE, "Of the member's spend, that in the campaign's categories."),
        ("campaign_category_spend_share_91", SHARE, "The same in the last 91 days."),
        ("campaign_subcategory_spend_share", SHARE, "Of the member's spend, that in the campaign's subcategories."),
        ("campaign_subcategory_spend_share_91", SHARE, "The same in the last 91 days."),
        ("campaign_spend_lift", "log ratio", "Member's share of spend on the campaign's products over the club's."),
        ("campaign_decayed", DECAYED, "Baskets by product of the campaign, each product counted once."),
        ("campaign_category_decayed", DECAYED, "Baskets by category of the campaign."),
        ("campaign_subcategory_decayed", DECAYED, "Baskets by subcategory of the campaign."),
    ),
    *_reach("replenishment",
        ("campaign_products_due", "offers", "Offers of whose products the member's usual interval is about over."),
    ),
    *_reach("coupon affinity",
        ("campaign_coupons", "baskets", "Baskets with a coupon by product of the campaign."),
        ("campaign_coupons_decayed", DECAYED, "The same, the recent ones weighing most."),
        ("campaign_category_coupons", "baskets", "Baskets with a coupon by category of the campaign."),
        ("campaign_category_coupons_decayed", DECAYED, "The same, the recent ones weighing most."),
        ("campaign_subcategory_coupons", "baskets", "Baskets with a coupon by subcategory of the campaign."),
        ("campaign_subcategory_coupons_decayed", DECAYED, "The same, the recent ones weighing most."),
        ("campaign_product_coupons", DECAYED, "Baskets with a coupon on products of the offers, each offer counted."),
        ("campaign_line_coupons", DECAYED, "Baskets with a coupon by brand within subcategory of the offers."),
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
        Feature(n, u, meaning, family, Grain.OFFER, mailing=False, offer=True, category=category)
        for n, u, meaning in rows
    )


def _offer_named(family: str, name: str, unit: str, meaning: str) -> Feature:
    """Of an offer that its mailing names. Beside the others of a sheet of two hundred offers such features cost NDCG at 5 (ADR 19)."""
    return Feature(name, unit, meaning, family, Grain.OFFER, mailing=False, named=True)


OFFER: tuple[Feature, ...] = (
    *_offer("offer", ("offer_kind", "", "Sort of offer."), ("department", "", "Department most of its products are in."), category=True),
    *_offer("offer",
        ("discount_share", SHARE, "Discount as a share of the price, as planned."),
        ("price_tier", "tier 1..5", "Price tier, as planned."),
        ("products", "products", "Products it is for."),
        ("subcategories", "subcategories", "Subcategories it is for."),
        ("brands", "brands", "Brands it is for."),
        ("offer_own_brand", SHARE, "Of its products, the shop's own brands."),
    ),
    *_offer("price",
        ("unit_price", "currency a unit", "Average price of its products before discount, last 91 days."),
    ),
    _offer_named("calendar", "season_pace", "ratio", "What the club bought of its subcategories in 28 days over what it usually does, of the last year."),
    _offer_named("replenishment", "usual_interval", DAYS, "Between two purchases of its subcategories, over all members who buy them again."),
    *_offer("popularity",
        ("reach", SHARE, "Of the members who shopped in 91 days, those who bought of it."),
        ("reach_baskets", "baskets a member", "Baskets with its products in 91 days, over members who shopped."),
        ("baskets_per_buyer", "baskets", "Baskets a buyer in 91 days."),
        ("offer_coupon_lines", SHARE, "Of the lines of its products in 91 days, those with a coupon."),
        ("offer_shelf_discount", SHARE, "Average discount on its products in 91 days."),
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


def _told(family: str, name: str, unit: str, meaning: str) -> Feature:
    """A fact of the pair for rules and reasons that no stage of the model reads: they drift as the history grows, and as
    inputs they cost NDCG at 5 on the campaigns before 2017-08-08."""
    return Feature(name, unit, meaning, family, Grain.MEMBER_OFFER, mailing=False, offer=False)


MEMBER_OFFER: tuple[Feature, ...] = (
    *(
        feature
        for level, words in _LEVELS.items()
        for feature in (
            _pair("affinity", f"{level}_baskets_91", "baskets", f"Baskets with {words} in the last 91 days."),
            _pair("affinity", f"{level}_baskets", "baskets", f"Baskets with {words}."),
            _pair("affinity", f"{level}_decayed", DECAYED, f"Baskets with {words}, the recent ones weighing most."),
            _pair("affinity", f"{level}_days_since", DAYS, f"Since {words} were last bought."),
            _pair("replenishment", f"{level}_due", "usual intervals", f"Days since {words} were last bought over the usual interval."),
            _pair("coupon affinity", f"{level}_coupons", DECAYED, f"Baskets with a coupon on {words}."),
            _pair("affinity", f"{level}_spend_91", "currency", f"Spend on {words} in the last 91 days."),
        )
    ),
    *(
        feature
        for level in ("subcategory", "category")
        for feature in (
            _told("repetition", f"{level}_months", "months of 30 days", f"Different months with {_LEVELS[level]}, of the group bought in most."),
            _told("repetition", f"{level}_span", DAYS, f"From the first basket with {_LEVELS[level]} to the last; 0 after one."),
        )
    ),
    _pair("affinity", "product_quantity", "units", "Units bought of the offer's products."),
    _pair("affinity", "offer_products_known", "products", "Of the offer's products, those bought."),
    _pair("answered affinity", "product_answered", "cosine", "Likeness by product to offers answered before."),
    _pair("answered affinity", "subcategory_answered", "cosine", "Likeness by subcategory to offers answered before."),
    _pair("answered affinity", "line_answered", "cosine", "Likeness by brand within subcategory to offers answered before."),
    _pair("price", "category_price_apart", "tiers", "How far the offer's price tier is from the mean of what the member buys in its categories."),
    _pair("declared", "interest_recent", "share 0..1, halved every 365 days", "Of the offer's products, those that a declared interest covers; 0 if none does.", monotone=1),
    _pair("feedback", "against_recent", "share 0..1, halved every 180 days", "Of the offer's products, those the member said are not for them; 0 if not said.", monotone=-1),
    _pair("feedback", "liked_recent", "share 0..1, halved every 180 days", "Of the offer's products, those the member asked for more like; 0 if not said.", monotone=1),
)  # fmt: skip

DEPARTMENT: tuple[Feature, ...] = tuple(
    Feature(name, unit, meaning, family, Grain.MEMBER_DEPARTMENT, mailing=False, named=True)
    for family, name, unit, meaning in (
        ("affinity", "department_baskets", "baskets", "Baskets with a category of the offer's department, each category counted."),
        ("affinity", "department_categories", "categories", "Different categories bought in the offer's department."),
        ("affinity", "department_share", SHARE, "Of the member's spend, that in the offer's department."),
        ("declared", "department_interests", "interests, halved every 365 days", "Declared interests that lie in the offer's department."),
    )
)  # fmt: skip

RANKED: tuple[str, ...] = (
    "product_decayed", "product_baskets", "line_decayed", "line_baskets", "subcategory_decayed", "category_decayed", "brand_decayed",
    "line_coupons", "subcategory_coupons", "popularity", "reach",
)  # fmt: skip
SHARED: tuple[str, ...] = ("product_decayed", "line_decayed", "subcategory_decayed", "brand_decayed", "popularity")
RELATIVE: tuple[Feature, ...] = (
    *(
        _pair("affinity", f"{n}_rank", SHARE, f"Place of the offer among the campaign's by {n}: 0 highest, 1 lowest.")
        for n in RANKED
    ),
    *(
        _pair("affinity", f"{n}_share", SHARE, f"Share of the offer in the sum over the campaign's offers of {n}.")
        for n in SHARED
    ),
    _pair(
        "affinity", "product_lift", "log ratio", "Baskets with its products in 91 days over what is usual in the club."
    ),
    _pair("affinity", "offer_known_share", SHARE, "Of the offer's products, those the member has bought."),
    Feature(
        "subcategory_of_usual",
        "usual intervals",
        "Days since its subcategories were last bought over the members' usual interval.",
        "replenishment",
        Grain.MEMBER_OFFER,
        mailing=False,
        named=True,
    ),
)
