"""Specs of weekly limits. Rendered into docs/suppression-rules.md."""

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
)
