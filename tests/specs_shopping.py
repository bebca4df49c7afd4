"""Specs of what purchases and earlier messages say. Rendered into docs/suppression-rules.md."""

from ml.reasons import Reason
from tests.rule_world import Spec

SPECS_OF_SHOPPING = (
    Spec(
        Reason.NOT_REDEEMABLE,
        "An offer must be usable where the member has shopped in the last year; of members without purchases nothing is known",
        given={
            "offers": """
                offer_id | redeemable_in
                coffee   | ["web"]
                tea      | ["store", "app"]
                tv       | []""",
            "transactions": """
                member_id | sales_channel | product_id | occurred_at
                bo        | web           | beans      | 2024-02-01
                carl      | web           | beans      | 2022-02-01""",
        },
        tonight="""
            member_id | offer_id | outcome        | detail
            anna      | coffee   | NOT_REDEEMABLE | It can be used only in our web shop, where you have not shopped lately.
            anna      | tea      | passes         | -
            anna      | tv       | passes         | -
            bo        | coffee   | passes         | -
            carl      | coffee   | NOT_REDEEMABLE | It can be used only in our web shop, where you have not shopped lately.
            dina      | coffee   | passes         | -""",
        never_bought=("dina",),
    ),
    Spec(
        Reason.JUST_BOUGHT,
        "A durable is not offered again for half its interval; what was brought back was not bought",
        given={"transactions": """
            member_id | product_id   | quantity | occurred_at
            anna      | washer-basic | 1        | 2024-03-03T12:00:00
            bo        | washer-basic | 1        | 2021-03-03T12:00:00
            carl      | washer-basic | 1        | 2024-03-03T12:00:00
            carl      | washer-basic | -1       | 2024-03-05T12:00:00
            dina      | tv-basic     | 1        | 2024-03-03T12:00:00"""},
        tonight="""
            member_id | offer_id | outcome     | detail
            anna      | washer   | JUST_BOUGHT | You bought washing machines on 3 March.
            bo        | washer   | passes      | -
            carl      | washer   | passes      | -
            dina      | washer   | passes      | -""",
    ),
    Spec(
        Reason.JUST_BOUGHT,
        "A return takes back the newest purchase before it: not one kept for years, and not one made since",
        given={"transactions": """
            member_id | product_id   | quantity | occurred_at
            anna      | washer-basic | 1        | 2018-03-03T12:00:00
            anna      | washer-basic | 1        | 2024-02-03T12:00:00
            anna      | washer-basic | -1       | 2024-02-10T12:00:00
            bo        | washer-basic | -1       | 2024-02-03T12:00:00
            bo        | washer-basic | 1        | 2024-02-10T12:00:00
            carl      | washer-basic | 2        | 2024-02-03T12:00:00
            carl      | washer-basic | -1       | 2024-02-10T12:00:00"""},
        tonight="""
            member_id | offer_id | outcome     | detail
            anna      | washer   | passes      | -
            bo        | washer   | JUST_BOUGHT | You bought washing machines on 10 February.
            carl      | washer   | JUST_BOUGHT | You bought washing machines on 3 February.""",
    ),
    Spec(
        Reason.JUST_BOUGHT,
        "What is bought every week is wanted, and so is an offer that is also for something else",
        given={
            "offers": """
                offer_id
                coffee
                machines""",
            "offer_products": """
                offer_id | product_id
                coffee   | beans
                machines | washer-best
                machines | tv-best""",
            "transactions": """
                member_id | product_id   | occurred_at
                anna      | beans        | 2024-02-15
                anna      | beans        | 2024-02-22
                anna      | beans        | 2024-02-29
                anna      | beans        | 2024-03-07
                anna      | beans        | 2024-03-14
                bo        | washer-basic | 2024-03-03""",
        },
        tonight="""
            member_id | offer_id | outcome
            anna      | coffee   | passes
            bo        | machines | passes""",
    ),
    Spec(
        Reason.NOT_DUE,
        "A consumable is offered when half its interval is over before the campaign ends: here coffee every 120 days, campaign until 14 April",
        given={"transactions": """
            member_id | product_id | occurred_at
            anna      | beans      | 2023-07-12
            anna      | beans      | 2023-11-09
            anna      | beans      | 2024-03-08
            bo        | beans      | 2023-06-12
            bo        | beans      | 2023-10-10
            bo        | beans      | 2024-02-07"""},
        tonight="""
            member_id | offer_id | outcome | until      | detail
            anna      | coffee   | NOT_DUE | 2024-05-07 | You bought coffee on 8 March, and usually every 120 days.
            bo        | coffee   | passes  | -          | -""",
    ),
    Spec(
        Reason.NOT_DUE,
        "A reminder comes in its window: three weeks on either side of the day a thing is needed again, three weeks before a day of the year and not after it",
        given={
            "offers": """
                offer_id    | kind     | audience_rule
                new-tyres   | reminder | -
                anniversary | reminder | {"wedding_date": ["any"]}
                jubilee     | reminder | {"Wedding_Date ": ["any"]}""",
            "products": """
                product_id | department | category | list_price
                tyres      | CARS       | TYRES    | 4000
                loaf       | GROCERY    | BAKERY   | 30""",
            "offer_products": """
                offer_id  | product_id
                new-tyres | tyres""",
            "declared_facts": """
                member_id | fact         | value      | declared_at
                carl      | wedding_date | 2011-03-30 | 2023-01-01
                dina      | wedding_date | 2011-08-30 | 2023-01-01
                erik      | wedding_date | 2011-03-05 | 2023-01-01""",
            "transactions": """
                member_id | product_id | occurred_at
                anna      | tyres      | 2022-03-24
                anna      | tyres      | 2022-09-24
                anna      | tyres      | 2023-03-24
                anna      | tyres      | 2023-09-23
                bo        | tyres      | 2022-06-24
                bo        | tyres      | 2022-12-24
                bo        | tyres      | 2023-06-24
                bo        | tyres      | 2023-12-23""",
        },
        tonight="""
            member_id | offer_id    | outcome | detail
            anna      | new-tyres   | passes  | -
            bo        | new-tyres   | NOT_DUE | You will need tyres again about 22 June.
            carl      | anniversary | passes  | -
            dina      | anniversary | NOT_DUE | Your wedding day is on 30 August.
            eva       | new-tyres   | NOT_DUE | There is nothing to remind you of.
            dina      | jubilee     | NOT_DUE | Your wedding day is on 30 August.
            eva       | jubilee     | NOT_DUE | There is nothing to remind you of.
            erik      | anniversary | NOT_DUE | Your wedding day is on 5 March 2025.""",
    ),
    Spec(
        Reason.PRICE_TIER_MISMATCH,
        "Who buys the dearest television may buy the cheapest washing machine: the level is of each category",
        given={
            "offers": """
                offer_id | price_tier
                washer   | 5
                tv       | 5
                coffee   | -""",
            "transactions": """
                member_id | product_id   | occurred_at
                anna      | tv-best      | 2021-02-01
                anna      | washer-basic | 2021-02-01""",
        },
        tonight="""
            member_id | offer_id | outcome             | detail
            anna      | washer   | PRICE_TIER_MISMATCH | It is dearer than the washing machines that you buy.
            anna      | tv       | passes              | -
            anna      | coffee   | passes              | -
            bo        | washer   | passes              | -""",
    ),
    Spec(
        Reason.ALREADY_SENT,
        "An offer is sent once; where it is not recorded which offers were in a message, each of the campaign may have been",
        given={"mailings": """
            member_id | campaign_id | offer_id | sent_at
            anna      | spring      | coffee   | 2024-03-11T12:00:00
            bo        | spring      | -        | 2024-03-11T12:00:00"""},
        tonight="""
            member_id | offer_id | outcome      | detail
            anna      | coffee   | ALREADY_SENT | We sent you this on 11 March.
            anna      | tea      | passes       | -
            bo        | coffee   | ALREADY_SENT | We sent you this on 11 March.
            bo        | tea      | ALREADY_SENT | We sent you this on 11 March.""",
    ),
    Spec(
        Reason.NOT_DUE,
        "Who may not be profiled has no purchases for any rule or reason: a reminder of a thing bought is for others",
        given={
            "campaigns": """
                campaign_id | message_class
                letters     | content""",
            "offers": """
                offer_id | campaign_id | kind
                tyres    | letters     | reminder""",
            "offer_products": """
                offer_id | product_id
                tyres    | beans""",
            "transactions": """
                member_id | product_id | occurred_at
                anna      | beans      | 2024-01-20
                anna      | beans      | 2024-02-18
                bo        | beans      | 2024-01-20
                bo        | beans      | 2024-02-18""",
            "consents": """
                member_id | purpose   | granted | recorded_at
                anna      | marketing | yes     | 2023-01-01
                anna      | profiling | yes     | 2023-01-01
                bo        | marketing | yes     | 2023-01-01""",
        },
        tonight="""
            member_id | offer_id | outcome | detail
            anna      | tyres    | passes  | -
            bo        | tyres    | NOT_DUE | There is nothing to remind you of.""",
    ),
    Spec(
        Reason.JUST_BOUGHT,
        "Of what nobody has bought twice the policy's unknown interval counts: here a year, of which half must pass",
        given={"transactions": """
            member_id | product_id | occurred_at
            anna      | tv-basic   | 2023-10-01
            bo        | tv-basic   | 2023-09-01
            carl      | tv-basic   | 2018-09-01"""},
        tonight="""
            member_id | offer_id | outcome     | until      | detail
            anna      | tv       | JUST_BOUGHT | 2024-03-31 | You bought televisions on 1 October 2023.
            bo        | tv       | passes      | -          | -""",
    ),
)  # fmt: skip
