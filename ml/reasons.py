"""The reason codes, most restrictive first, with what each means. The order decides which one is shown."""

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
