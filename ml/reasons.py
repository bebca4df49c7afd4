"""The reason codes, most restrictive first, with what each means and the keys of the policy that it hangs on. The order decides
which one is shown.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a member does not get an offer. Members of the enum stand in the order of restriction."""

    ERASED = "ERASED"
    OBJECTED = "OBJECTED"
    COMPLAINED = "COMPLAINED"
    NO_CONSENT = "NO_CONSENT"
    UNDERAGE = "UNDERAGE"
    CHANNEL_OPT_OUT = "CHANNEL_OPT_OUT"
    CONSENT_STALE = "CONSENT_STALE"
    NOT_FOR_ME = "NOT_FOR_ME"
    DECLARED_MISMATCH = "DECLARED_MISMATCH"
    OPEN_CASE = "OPEN_CASE"
    NOT_REDEEMABLE = "NOT_REDEEMABLE"
    JUST_BOUGHT = "JUST_BOUGHT"
    NOT_DUE = "NOT_DUE"
    PRICE_TIER_MISMATCH = "PRICE_TIER_MISMATCH"
    ALREADY_SENT = "ALREADY_SENT"
    LOW_CONFIDENCE = "LOW_CONFIDENCE"
    LOW_RELEVANCE = "LOW_RELEVANCE"
    NO_VALUE = "NO_VALUE"
    CHANNEL_CAP = "CHANNEL_CAP"
    MEMBER_CAP = "MEMBER_CAP"
    CATEGORY_CAP = "CATEGORY_CAP"
    DISCOUNT_SHARE = "DISCOUNT_SHARE"
    OUTRANKED = "OUTRANKED"
    CONTROL_GROUP = "CONTROL_GROUP"

    @property
    def meaning(self) -> str:
        """A sentence for a marketer."""
        return MEANING[self]


MEANING: dict[Reason, str] = {
    Reason.ERASED: "The member asked to be erased.",
    Reason.OBJECTED: "The member objected to direct marketing.",
    Reason.COMPLAINED: "The member reported a message of ours as spam.",
    Reason.NO_CONSENT: "There is no valid consent for this purpose and channel.",
    Reason.UNDERAGE: "The member is, or may be, under the age of consent.",
    Reason.CHANNEL_OPT_OUT: "The member does not want messages on this channel.",
    Reason.CONSENT_STALE: "The consents on file are too old to trust, so nobody is contacted.",
    Reason.NOT_FOR_ME: "The member said that this is not for them.",
    Reason.DECLARED_MISMATCH: "What the member told us says that this is not meant for them.",
    Reason.OPEN_CASE: "A complaint or return of the member is being handled.",
    Reason.NOT_REDEEMABLE: "The member cannot use it where they shop.",
    Reason.JUST_BOUGHT: "The member has just bought it.",
    Reason.NOT_DUE: "It is too early in the member's usual interval.",
    Reason.PRICE_TIER_MISMATCH: "It is far from what the member pays in this category.",
    Reason.ALREADY_SENT: "The member has been sent this before.",
    Reason.LOW_CONFIDENCE: "Too little is known of the member to say that it is relevant.",
    Reason.LOW_RELEVANCE: "It is less relevant to the member than the policy asks for.",
    Reason.NO_VALUE: "A message would cost more than it is expected to earn.",
    Reason.CHANNEL_CAP: "The most messages on this channel is reached.",
    Reason.MEMBER_CAP: "The most messages to this member is reached.",
    Reason.CATEGORY_CAP: "The most offers of this category to this member is reached.",
    Reason.DISCOUNT_SHARE: "The share of discounts among this member's offers is reached.",
    Reason.OUTRANKED: "Other offers of the night were more relevant to the member.",
    Reason.CONTROL_GROUP: "Held out, to measure what messages are worth.",
}

_DECLARED = ("declared.days", "declared.default_days", "declared.several")
_INTERVAL = ("purchases.least_own", "purchases.durable_days", "purchases.unknown_interval_days")
_JUST_BOUGHT = ("purchases.just_bought_share", "purchases.just_bought_most_days", *_INTERVAL)
_EXPLORED = ("chance.exploration_share", "chance.seed")
_VALUE = ("value.default_margin", "value.fatigue_cost", "value.contact_cost")

# Keys of policy.toml; a reason that is not here hangs on none.
POLICY_KEYS: dict[Reason, tuple[str, ...]] = {
    Reason.NO_CONSENT: ("consent.assume", "consent.profiling"),
    Reason.UNDERAGE: ("consent.min_age", "consent.unknown_age"),
    Reason.CONSENT_STALE: ("consent.stale_after_hours",),
    Reason.NOT_FOR_ME: ("not_for_me.days", "not_for_me.least_share"),
    Reason.DECLARED_MISMATCH: _DECLARED,
    Reason.NOT_REDEEMABLE: ("purchases.sales_channel_days",),
    Reason.JUST_BOUGHT: _JUST_BOUGHT,
    Reason.NOT_DUE: (
        "purchases.not_due_share", "purchases.reminder_lead_days", "purchases.reminder_late_days", *_JUST_BOUGHT, *_DECLARED,
    ),
    Reason.PRICE_TIER_MISMATCH: ("price_tier.most_apart", "price_tier.least_purchases", *_INTERVAL),
    Reason.LOW_CONFIDENCE: (
        "confidence.least_known", "confidence.safe_reach", "confidence.safe_days", "confidence.least_lower_bound", *_DECLARED,
    ),
    Reason.LOW_RELEVANCE: ("relevance.keep_responders", *_EXPLORED),
    Reason.NO_VALUE: (*_VALUE, "sure_buyers.days", "sure_buyers.often", "sure_buyers.always", *_EXPLORED),
    Reason.MEMBER_CAP: ("caps.messages_per_week",),
    Reason.CATEGORY_CAP: ("caps.offers_per_category",),
    Reason.DISCOUNT_SHARE: ("caps.discount_share", "caps.discount_from"),
    Reason.OUTRANKED: (
        "caps.offers_per_message", "caps.offers_per_night", "confidence.offers_per_night", "channels.order",
        "channels.sms_characters", *_VALUE, "chance.seed",
    ),
    Reason.CONTROL_GROUP: ("chance.control_share", "chance.seed"),
}  # fmt: skip
