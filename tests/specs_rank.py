"""Specs of the share of discounts, of rank and of the control group. Rendered into docs/suppression-rules.md."""

from ml.reasons import Reason
from tests.rule_world import Spec

SPECS_OF_RANK = (
    Spec(
        Reason.DISCOUNT_SHARE,
        "At most half of the month's offers are discounts, reckoned from the fourth on",
        policy="[caps]\ndiscount_share = 0.5",
        given={
            "offers": """
                offer_id | kind
                a        | discount
                b        | discount
                c        | discount
                letter   | content""",
            "offer_products": """
                offer_id | product_id""",
        },
        tonight="""
            member_id | offer_id | relevance | outcome        | slot
            anna      | a        | 0.4       | passes         | 1
            anna      | b        | 0.3       | passes         | 2
            anna      | c        | 0.2       | DISCOUNT_SHARE | -
            anna      | letter   | 0.1       | passes         | 3""",
    ),
    Spec(
        Reason.DISCOUNT_SHARE,
        "A discount beyond the share takes no place of another message",
        policy="[caps]\ndiscount_share = 0.5\ndiscount_from = 2",
        given={
            "campaigns": """
                campaign_id
                spring
                summer""",
            "offers": """
                offer_id | campaign_id | kind
                a        | spring      | discount
                letter   | summer      | content""",
            "offer_products": """
                offer_id | product_id""",
            "preferences": """
                member_id | channel | max_per_week | recorded_at
                anna      | email   | 1            | 2024-01-01""",
            "mailings": """
                member_id | campaign_id | offer_id | sent_at
                anna      | winter      | a        | 2024-03-01T12:00:00
                anna      | winter      | a        | 2024-03-02T12:00:00""",
        },
        tonight="""
            member_id | offer_id | relevance | outcome        | slot
            anna      | a        | 0.4       | DISCOUNT_SHARE | -
            anna      | letter   | 0.1       | passes         | 1""",
    ),
    Spec(
        Reason.OUTRANKED,
        "A message has room for the policy's number of offers, the best of them",
        policy="[caps]\noffers_per_message = 2",
        given={
            "offers": """
                offer_id | margin
                coffee   | 100
                tea      | 10
                tv       | 100""",
        },
        tonight="""
            member_id | offer_id | relevance | outcome   | slot | detail
            anna      | coffee   | 0.2       | passes    | 1    | Chosen for you from the offers of this campaign.
            anna      | tea      | 0.3       | OUTRANKED | -    | Other offers of the night were more relevant to you.
            anna      | tv       | 0.1       | passes    | 2    | Chosen for you from the offers of this campaign.""",
    ),
    Spec(
        Reason.OUTRANKED,
        "A message goes by one channel: the one that the member chose, else the first in the policy's order",
        given={
            "campaigns": """
                campaign_id | channels
                spring      | ["sms", "email"]""",
            "preferences": """
                member_id | channel | recorded_at
                bo        | sms     | 2024-01-01""",
        },
        tonight="""
            member_id | offer_id | channel | outcome   | detail
            anna      | coffee   | email   | passes    | Chosen for you from the offers of this campaign.
            anna      | coffee   | sms     | OUTRANKED | You are reached by e-mail instead.
            bo        | coffee   | email   | OUTRANKED | You are reached by text message instead.
            bo        | coffee   | sms     | passes    | Chosen for you from the offers of this campaign.""",
    ),
    Spec(
        Reason.OUTRANKED,
        "Of a message that had no room on its channel, no channel is said to reach the member",
        given={
            "campaigns": """
                campaign_id | channels
                spring      | ["push", "email"]
                summer      | ["push", "email"]""",
            "offers": """
                offer_id | campaign_id
                coffee   | spring
                tea      | summer""",
            "preferences": """
                member_id | channel | max_per_week | recorded_at
                bo        | push    | 1            | 2024-01-01
                bo        | all     | 1            | 2024-01-01""",
        },
        tonight="""
            member_id | offer_id | relevance | channel | outcome     | detail
            bo        | coffee   | 0.2       | push    | passes      | Chosen for you from the offers of this campaign.
            bo        | tea      | 0.1       | push    | CHANNEL_CAP | Other messages suit you better, and you asked for no more this week.
            bo        | tea      | 0.1       | email   | OUTRANKED   | This would have come by push message, if at all.""",
    ),
    Spec(
        Reason.CONTROL_GROUP,
        "Members drawn by the seed get no offers, always the same ones; messages of service reach them",
        policy="[chance]\ncontrol_share = 0.5\nseed = 2",
        given={
            "campaigns": """
                campaign_id | message_class
                spring      | marketing
                recall      | service""",
            "offers": """
                offer_id | campaign_id
                coffee   | spring
                tea      | spring
                recall   | recall""",
        },
        tonight="""
            member_id | offer_id | outcome
            anna      | coffee   | passes
            anna      | tea      | passes
            bo        | coffee   | CONTROL_GROUP
            bo        | tea      | CONTROL_GROUP
            bo        | recall   | passes""",
    ),
)  # fmt: skip
