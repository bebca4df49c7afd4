"""The list of features of a member, and of a member and a category. How they are computed is in features_member.py,
features_response.py, features_declared.py and features_category.py.
"""

from ml.feature import DAYS, DECAYED, RATE, SHARE, Feature, Grain


def _member(family: str, *rows: tuple[str, str, str], offer: bool = False) -> tuple[Feature, ...]:
    return tuple(Feature(name, unit, meaning, family, Grain.MEMBER, offer=offer) for name, unit, meaning in rows)


MEMBER: tuple[Feature, ...] = (
    *_member("recency",
        ("days_since_basket", DAYS, "Since the last purchase."),
        ("basket_gap", DAYS, "Usual days between two baskets."),
        ("basket_due", "usual gaps", "Days since the last basket over the usual gap."),
        ("tenure_days", DAYS, "Since the first known purchase."),
    ),
    *_member("frequency",
        ("baskets_14", RATE, "Baskets in the last 14 days."),
        ("baskets_28", RATE, "Baskets in the last 28 days."),
        ("baskets_91", RATE, "Baskets in the last 91 days."),
        ("baskets_all", RATE, "Baskets since the first known purchase."),
        ("baskets_decayed", DECAYED, "Baskets, the recent ones weighing most."),
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
        ("new_products_28", SHARE, "Of the products bought, those first bought in the last 28 days."),
    ),
    *_member("discount",
        ("discount_of_spend_91", SHARE, "Discount of the price of what was bought in the last 91 days."),
        ("discount_of_spend", SHARE, "Discount of the price of all that was bought."),
        ("discounted_lines_share", SHARE, "Lines bought at a discount."),
        ("own_brand_share", SHARE, "Spend on the shop's own brands."),
        ("coupon_baskets_28", RATE, "Baskets with a coupon in the last 28 days."),
        ("coupon_baskets_91", RATE, "Baskets with a coupon in the last 91 days."),
        ("coupon_money_all", "currency per 30 days", "Money saved by coupons."),
        ("days_since_coupon", DAYS, "Since the last coupon used."),
    ),
    *_member("discount",
        ("coupon_baskets_all", RATE, "Baskets with a coupon since the first known purchase."),
        ("coupon_baskets_decayed", DECAYED, "Baskets with a coupon, the recent ones weighing most."),
        ("coupon_basket_share", SHARE, "Baskets with a coupon, shrunk towards the usual for few baskets."),
        offer=True,
    ),
    *_member("response",
        ("campaigns_mailed", "campaigns", "Campaigns sent to the member before."),
        ("campaigns_answered", "campaigns", "Campaigns the member answered before."),
        ("answers_91", "answers", "Answers in the last 91 days."),
        ("answers_all", "answers", "Answers before."),
        ("days_since_answer", DAYS, "Since the last answer."),
        ("days_since_mailed", DAYS, "Since the last campaign sent."),
        ("contacts_7", "messages", "Messages sent in the last 7 days."),
        ("contacts_30", "messages", "Messages sent in the last 30 days."),
        ("answer_rate_decayed", SHARE, "Campaigns answered, the recent ones weighing most, shrunk towards the club's rate."),
    ),
    *_member("response",
        ("answer_rate", SHARE, "Campaigns answered, shrunk towards the club's rate."),
        ("answers_over_expected", "ratio", "Campaigns answered over what each campaign's own rate leads to expect, shrunk towards 1."),
        offer=True,
    ),
    *_member("declared",
        ("facts_known", "facts", "Facts the member has declared."),
        ("days_since_fact", DAYS, "Since the last declared fact."),
        ("household_size", "persons", "Declared size of the household."),
        ("children", "persons", "Declared number of children."),
    ),
)  # fmt: skip


def _category(family: str, *rows: tuple[str, str, str]) -> tuple[Feature, ...]:
    return tuple(Feature(n, unit, meaning, family, Grain.CATEGORY, mailing=False) for n, unit, meaning in rows)


CATEGORY: tuple[Feature, ...] = (
    *_category("affinity",
        ("baskets_in_category", "baskets", "Baskets with the category."),
        ("baskets_in_category_91", "baskets", "Baskets with the category in the last 91 days."),
        ("baskets_in_category_decayed", DECAYED, "Baskets with the category, the recent ones weighing most."),
        ("spend_share_in_category", SHARE, "Of the member's spend, that on the category."),
    ),
    *_category("replenishment",
        ("days_since_category", DAYS, "Since the category was last bought."),
        ("category_interval", DAYS, "Usual days between two purchases; missing after one."),
        ("category_intervals_passed", "usual intervals", "Days since the last over the usual interval."),
    ),
    *_category("price",
        ("category_price_position", "log ratio", "Price a unit before discount over the club's average in the category."),
    ),
    *_category("coupon affinity",
        ("coupons_in_category_decayed", DECAYED, "Baskets with a coupon on the category."),
    ),
)  # fmt: skip
