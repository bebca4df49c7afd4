"""Specs of limits, discounts and rank. Rendered into docs/suppression-rules.md."""

from ml.reasons import Reason
from tests.rule_world import Spec

SPECS_OF_LIMITS = (
    Spec(
        Reason.CHANNEL_CAP,
        "A member's own limits hold in any 7 days, on the channel and over all, tonight's messages among them",
        given={
            "campaigns": """
                campaign_id | message_class
                spring      | marketing
                summer      | marketing
                receipt     | service""",
            "offers": """
                offer_id | campaign_id
                coffee   | spring
                tea      | summer""",
            "preferences": """
                member_id | channel | max_per_week | recorded_at
                anna      | email   | 1            | 2024-01-01
                bo        | email   | 1            | 2024-01-01
                carl      | all     | 1            | 2024-01-01
                dina      | email   | 1            | 2024-01-01""",
            "mailings": """
                member_id | campaign_id | channel | sent_at
                anna      | winter      | email   | 2024-03-12T12:00:00
                bo        | winter      | email   | 2024-03-05T12:00:00
                carl      | winter      | post    | 2024-03-12T12:00:00
                dina      | receipt     | email   | 2024-03-12T12:00:00""",
        },
        tonight="""
            member_id | offer_id | relevance | outcome     | slot
            anna      | coffee   | 0.2       | CHANNEL_CAP | -
            bo        | coffee   | 0.2       | passes      | 1
            bo        | tea      | 0.1       | CHANNEL_CAP | -
            carl      | coffee   | 0.2       | CHANNEL_CAP | -
            dina      | coffee   | 0.2       | passes      | 1""",
    ),
    Spec(
        Reason.CHANNEL_CAP,
        "A week is 7 x 24 hours before the midnight at which the date begins: sent a minute less ago, it counts for the whole of the date",
        given={
            "preferences": """
                member_id | channel | max_per_week | recorded_at
                anna      | email   | 1            | 2024-01-01
                bo        | email   | 1            | 2024-01-01
                carl      | all     | 1            | 2024-01-01
                dina      | email   | 2            | 2024-01-01
                eve       | email   | 1            | 2024-01-01""",
            "mailings": """
                member_id | campaign_id | channel | sent_at
                anna      | winter      | email   | 2024-03-07T23:01:00
                bo        | winter      | email   | 2024-03-07T23:00:00
                carl      | winter      | sms     | 2024-03-08T09:00:00
                dina      | winter      | email   | 2024-03-08T09:00:00
                eve       | winter      | sms     | 2024-03-08T09:00:00
                eve       | winter      | email   | 2024-03-11T09:00:00""",
        },
        tonight="""
            member_id | offer_id | outcome     | until
            anna      | coffee   | CHANNEL_CAP | 2024-03-16
            bo        | coffee   | passes      | -
            carl      | coffee   | CHANNEL_CAP | 2024-03-16
            dina      | coffee   | passes      | -
            eve       | coffee   | CHANNEL_CAP | 2024-03-19""",
    ),
    Spec(
        Reason.CHANNEL_CAP,
        "Of more messages than the limit, there is room again when so many have left the week that fewer are left than it allows, of both limits where both are full",
        given={
            "preferences": """
                member_id | channel | max_per_week | recorded_at
                anna      | email   | 1            | 2024-01-01
                bo        | all     | 2            | 2024-01-01
                carl      | email   | 1            | 2024-01-01
                carl      | all     | 2            | 2024-01-01""",
            "mailings": """
                member_id | campaign_id | channel | sent_at
                anna      | winter      | email   | 2024-03-09T09:00:00
                anna      | autumn      | email   | 2024-03-12T09:00:00
                bo        | winter      | email   | 2024-03-09T09:00:00
                bo        | autumn      | sms     | 2024-03-10T09:00:00
                bo        | summer      | email   | 2024-03-11T09:00:00
                bo        | easter      | sms     | 2024-03-12T09:00:00
                carl      | winter      | email   | 2024-03-09T09:00:00
                carl      | autumn      | sms     | 2024-03-11T09:00:00
                carl      | easter      | post    | 2024-03-12T09:00:00""",
        },
        tonight="""
            member_id | offer_id | outcome     | until      | detail
            anna      | coffee   | CHANNEL_CAP | 2024-03-20 | You have had as many messages by e-mail this week as you asked for at most.
            bo        | coffee   | CHANNEL_CAP | 2024-03-19 | You have had as many messages this week as you asked for at most.
            carl      | coffee   | CHANNEL_CAP | 2024-03-19 | You have had as many messages this week as you asked for at most.""",
    ),
    Spec(
        Reason.MEMBER_CAP,
        "The policy's messages a week, tonight's among them: the most valuable go first",
        policy="[caps]\nmessages_per_week = 2",
        given={
            "campaigns": """
                campaign_id
                spring
                summer
                winter""",
            "offers": """
                offer_id | campaign_id
                coffee   | spring
                tea      | summer
                tv       | winter""",
            "mailings": """
                member_id | campaign_id | sent_at
                bo        | autumn      | 2024-03-12T12:00:00""",
        },
        tonight="""
            member_id | offer_id | relevance | outcome    | slot
            anna      | coffee   | 0.1       | passes     | 2
            anna      | tea      | 0.3       | passes     | 1
            anna      | tv       | 0.05      | MEMBER_CAP | -
            bo        | coffee   | 0.1       | MEMBER_CAP | -
            bo        | tea      | 0.3       | passes     | 1""",
    ),
    Spec(
        Reason.MEMBER_CAP,
        "Four messages with a limit of three: there is room when the second has left the week",
        given={
            "mailings": """
                member_id | campaign_id | channel | sent_at
                anna      | winter      | email   | 2024-03-09T09:00:00
                anna      | autumn      | sms     | 2024-03-10T09:00:00
                anna      | summer      | email   | 2024-03-11T09:00:00
                anna      | easter      | post    | 2024-03-12T09:00:00""",
        },
        tonight="""
            member_id | offer_id | outcome    | until
            anna      | coffee   | MEMBER_CAP | 2024-03-18""",
    ),
    Spec(
        Reason.CATEGORY_CAP,
        "So many offers of one category in any 7 days and no more, of whichever of its subcategories",
        policy="[caps]\noffers_per_category = 1",
        given={
            "offers": """
                offer_id
                coffee
                friele
                tea
                bread""",
            "offer_products": """
                offer_id | product_id
                coffee   | beans
                friele   | filter
                tea      | leaves
                bread    | loaf""",
            "mailings": """
                member_id | campaign_id | offer_id | sent_at
                bo        | spring      | friele   | 2024-03-12T12:00:00""",
        },
        tonight="""
            member_id | offer_id | relevance | outcome      | slot | detail
            anna      | coffee   | 0.3       | passes       | 1    | Chosen for you from the offers of this campaign.
            anna      | friele   | 0.2       | CATEGORY_CAP | -    | Other offers of hot drinks suit you better.
            anna      | tea      | 0.1       | CATEGORY_CAP | -    | Other offers of hot drinks suit you better.
            anna      | bread    | 0.1       | passes       | 2    | You bought bread on 5 February.
            bo        | coffee   | 0.3       | CATEGORY_CAP | -    | You have had 1 offer of hot drinks this week.
            bo        | tea      | 0.3       | CATEGORY_CAP | -    | You have had 1 offer of hot drinks this week.""",
    ),
    Spec(
        Reason.CATEGORY_CAP,
        "A category of which something is sensitive is limited too, and not named",
        policy='[caps]\noffers_per_category = 1\n[sensitive]\ncategories = ["pills"]',
        given={
            "offers": """
                offer_id
                tin""",
            "offer_products": """
                offer_id | product_id
                tin      | tin""",
            "mailings": """
                member_id | campaign_id | offer_id | sent_at
                anna      | winter      | tin      | 2024-03-12T12:00:00""",
        },
        tonight="""
            member_id | offer_id | outcome      | detail
            anna      | tin      | CATEGORY_CAP | You have had 1 offer of something of this kind this week.""",
    ),
    Spec(
        Reason.CATEGORY_CAP,
        "Three offers with a limit of two: there is room when the second has left the week",
        policy="[caps]\noffers_per_category = 2",
        given={
            "mailings": """
                member_id | campaign_id | offer_id | sent_at
                anna      | winter      | coffee   | 2024-03-09T09:00:00
                anna      | autumn      | coffee   | 2024-03-10T09:00:00
                anna      | summer      | coffee   | 2024-03-11T09:00:00""",
        },
        tonight="""
            member_id | offer_id | outcome      | until
            anna      | coffee   | CATEGORY_CAP | 2024-03-18""",
    ),
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
