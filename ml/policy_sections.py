"""The sections of the policy on members and messages, each number with its bounds and a sentence. How models are trained,
promoted and watched is in policy_models.py. How a file is
read, checked as a whole and versioned is in policy.py; what the numbers do is in rules_*.py and arbitration.py.

A limit of 0 would be read by some as "none" and by others as "no limit", so no limit may be 0: to send nothing, plan
no campaign; to lift a limit, give its largest value.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Share = Annotated[float, Field(ge=0, le=1)]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
NotAll = Annotated[float, Field(ge=0, lt=1)]
Days = Annotated[int, Field(ge=1, le=36_500)]
Money = Annotated[float, Field(ge=0, le=1_000_000)]
Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)]
Channel = Literal["email", "sms", "push", "post", "phone", "store"]


class Section(BaseModel):
    """A table of the policy file: frozen, unknown keys refused, no value converted from another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Quality(Section):
    """When the club's tables are too poor to decide from."""

    max_quarantined_share: Share = Field(
        0.05, description="Largest share of a table's rows that may be quarantined before the night stops."
    )


class Relevance(Section):
    """How relevant a mailing must be."""

    keep_responders: PositiveShare = Field(
        0.90,
        description="Share of the members who would answer that must still be mailed; sets the threshold, on the past.",
    )


class Consent(Section):
    """Who may be contacted at all."""

    assume: Literal["refuse", "audience"] = Field(
        "refuse", description="Without a consents table: refuse the night, or take a campaign's audience as consenting."
    )
    profiling: Literal["where_recorded", "unless_withdrawn"] = Field(
        "where_recorded",
        description="Profiling needs a consent where the club records such consents, or only the lack of a withdrawal.",
    )
    min_age: int = Field(
        18,
        ge=1,
        le=120,
        description="Youngest age in years that may be sent marketing; a member who may be younger is not.",
    )
    unknown_age: Literal["adult", "may_be_younger"] = Field(
        "adult",
        description="What a member is taken for of whom nobody knows a year of birth: a club that asks the age of who joins has adults.",
    )
    stale_after_hours: int = Field(
        24,
        ge=1,
        le=8_760,
        description="Oldest the consents may be, in hours before the night, for anybody to be contacted.",
    )


class Declared(Section):
    """How long what members say of themselves is believed."""

    default_days: Days = Field(730, description="Days that a declared fact counts, where nothing else is said of it.")
    days: dict[str, Days] = Field({}, description="Days that a fact counts, by its name.")
    contradicting_days: int = Field(
        6,
        ge=2,
        le=91,
        description="Days of 91 with purchases of what a declared fact says is not meant for the member, from which the fact is asked about again.",
    )
    several: Names = Field(
        ("interest",), description="Facts of which a member may declare several; one that fits is enough."
    )


class NotForMe(Section):
    """How far and how long a "not for me" reaches."""

    days: dict[Literal["offer", "product", "subcategory", "category", "department", "brand"], Days] = Field(
        {}, description="Days that it stands, by its scope; 3650 where nothing is said."
    )
    least_share: PositiveShare = Field(
        0.5, description="An offer is stopped when this share of its products falls under what the member said no to."
    )


class Purchases(Section):
    """What purchases say of needs."""

    unknown_interval_days: Days = Field(
        365, description="Days between purchases of a thing of which nobody's second purchase is known."
    )
    durable_days: Days = Field(
        365, description="A thing bought no oftener than this is durable (JUST_BOUGHT), else a consumable (NOT_DUE)."
    )
    least_own: int = Field(
        3,
        ge=2,
        le=100,
        description="Fewest days on which a member bought a thing for their own interval to be known, which alone makes a consumable NOT_DUE.",
    )
    just_bought_share: PositiveShare = Field(
        0.5, description="Share of its interval for which a durable bought by the member is not offered again."
    )
    just_bought_most_days: Days = Field(
        730, description="Longest that a durable bought is not offered again, however seldom it is bought."
    )
    not_due_share: PositiveShare = Field(
        0.5,
        description="Share of its interval that must pass, before the campaign ends, for a consumable to be offered.",
    )
    reminder_lead_days: Days = Field(21, description="Days before it is due that a reminder may be sent.")
    reminder_late_days: Days = Field(
        21,
        description="Days after it was due that a reminder of a thing may still be sent; of a day that comes every year none is sent after it.",
    )
    sales_channel_days: Days = Field(
        365, description="Days of purchases that tell in which sales channels a member shops."
    )


class PriceTier(Section):
    """How far from a member's own price level in the same category an offer may be."""

    most_apart: float = Field(
        2.0,
        gt=0,
        le=4,
        description="Most tiers (of 1 to 5) between the offer and what the member pays in that category.",
    )
    least_purchases: int = Field(
        3,
        ge=1,
        le=1_000,
        description="Fewest purchases of a consumable to know the member's level; of a durable, one is enough.",
    )


class Confidence(Section):
    """When too little is known of a member."""

    least_known: int = Field(
        2,
        ge=1,
        le=1_000,
        description="Fewest things known of a member: days of purchase, fresh declared facts, feedback, responses.",
    )
    offers_per_night: int = Field(
        2, ge=1, le=1_000, description="Most offers in a night to a member of whom less than that is known."
    )
    safe_reach: PositiveShare = Field(
        0.2,
        description="An offer of what this share of buyers bought lately is safe for members of whom little is known.",
    )
    safe_days: Days = Field(91, description="Days of purchases over which that share is counted.")
    least_lower_bound: Share = Field(
        0.1, description="Smallest lower bound of the relevance, as a share of the threshold."
    )


class ContactCost(Section):
    """What one message costs, by channel, in the club's currency."""

    email: Money = Field(0.01, description="Cost of an e-mail.")
    sms: Money = Field(0.05, description="Cost of a text message.")
    push: Money = Field(0.01, description="Cost of a push message.")
    post: Money = Field(0.5, description="Cost of a letter.")
    phone: Money = Field(3.0, description="Cost of a call.")
    store: Money = Field(0.0, description="Cost of saying it in the store.")


class Value(Section):
    """What a message costs and earns."""

    default_margin: Money = Field(50.0, description="Money earned per response where the offer does not say.")
    fatigue_cost: Money = Field(
        0.1, description="What a message costs in the member's patience, in the club's currency."
    )
    contact_cost: ContactCost = Field(ContactCost(), description="Cost of one message by channel.")


class Caps(Section):
    """How much a member may be sent. Messages of service pass these limits and are not counted."""

    messages_per_week: int = Field(
        3,
        ge=1,
        le=100,
        description="Most messages to a member in any 7 x 24 hours, over all channels; they are counted at the midnight before, so that no hour of sending passes the limit.",
    )
    offers_per_message: int = Field(5, ge=1, le=1_000, description="Most offers in one message.")
    offers_per_night: int = Field(
        15, ge=1, le=1_000, description="Most offers to a member in a night, over all campaigns."
    )
    offers_per_category: int = Field(
        3, ge=1, le=1_000, description="Most offers of one category to a member in any 7 x 24 hours."
    )
    discount_share: PositiveShare = Field(
        1.0, description="Largest share of discounts among a member's offers of 30 days; 1 lets all be discounts."
    )
    discount_from: int = Field(
        4,
        ge=1,
        le=1_000,
        description="Offers a month from which that share is reckoned, so that the first ones may be discounts.",
    )


class Channels(Section):
    """Which channel is used where several are allowed."""

    order: Annotated[tuple[Channel, ...], Field(strict=False, min_length=1)] = Field(
        ("email", "push", "sms", "post", "phone", "store"),
        description="Channels by preference, for members who have not chosen, each once; one left out comes last.",
    )
    sms_characters: int = Field(160, ge=1, le=1_000, description="Longest title that fits a text message.")

    @field_validator("order")
    @classmethod
    def _each_once(cls, order: tuple[Channel, ...]) -> tuple[Channel, ...]:
        if len(set(order)) < len(order):
            raise ValueError("each channel once")
        return order


class Chance(Section):
    """Where chance decides, always from the seed, so that the same night gives the same answer."""

    seed: int = Field(20170101, ge=0, le=2**63 - 1, description="Seed of ties, control group and exploration.")
    control_share: NotAll = Field(
        0.0, description="Share of members held out of all marketing, always the same ones; 0 holds out none."
    )
    exploration_share: NotAll = Field(
        0.0,
        description="Share of the mailings below the threshold that are sent all the same, to learn from; 0 sends none.",
    )


class Sensitive(Section):
    """What is never named."""

    categories: Names = Field(
        (), description="Departments, categories, subcategories and brands that no sentence or evidence may name."
    )


class Reach(Section):
    """When a campaign is suspiciously wide."""

    warn_share: PositiveShare = Field(
        0.8, description="A campaign that would reach more than this share of the club raises a warning."
    )
