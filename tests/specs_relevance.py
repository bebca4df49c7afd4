"""Specs of relevance and value. Rendered into docs/suppression-rules.md."""

from ml.reasons import Reason
from tests.rule_world import Spec

SPECS_OF_RELEVANCE = (
    Spec(
        Reason.LOW_CONFIDENCE,
        "Of a new member too little is known for any offer but what many buy",
        policy="[confidence]\nleast_known = 3\nsafe_reach = 0.5",
        given={
            "transactions": """
            member_id | product_id | occurred_at
            anna      | beans      | 2024-02-01
            bo        | beans      | 2024-02-01"""
        },
        tonight="""
            member_id | offer_id | outcome        | detail
            anna      | tv       | passes         | -
            carl      | tv       | LOW_CONFIDENCE | We know too little of you yet: 2 things.
            carl      | coffee   | passes         | -""",
    ),
    Spec(
        Reason.LOW_CONFIDENCE,
        "Days of purchase are the club's own days: in Oslo 23:30 UTC is the next day",
        never_bought=("anna", "bo"),
        given={
            "transactions": """
            member_id | product_id | occurred_at
            anna      | beans      | 2024-02-01T22:30:00
            anna      | beans      | 2024-02-01T23:30:00
            bo        | beans      | 2024-02-01T23:30:00
            bo        | beans      | 2024-02-02T00:30:00"""
        },
        tonight="""
            member_id | offer_id | outcome        | detail
            anna      | tv       | passes         | -
            bo        | tv       | LOW_CONFIDENCE | We know too little of you yet: 1 thing.""",
    ),
    Spec(
        Reason.LOW_CONFIDENCE,
        "With a model, an offer without a score is not known to be relevant, and the lower bound may not be next to nothing",
        threshold=0.3,
        tonight="""
            member_id | offer_id | mailing relevance | lower bound | outcome
            anna      | coffee   | 0.4               | 0.2         | passes
            bo        | coffee   | 0.4               | 0.02        | LOW_CONFIDENCE
            carl      | coffee   | 0.1               | 0.02        | passes""",
    ),
    Spec(
        Reason.LOW_RELEVANCE,
        "The mailing's relevance must reach the threshold; content too, service not",
        threshold=0.3,
        given={
            "campaigns": """
                campaign_id | message_class
                spring      | marketing
                letters     | content
                recall      | service""",
            "offers": """
                offer_id | campaign_id
                coffee   | spring
                recipes  | letters
                recall   | recall""",
        },
        tonight="""
            member_id | offer_id | mailing relevance | outcome       | detail
            anna      | coffee   | 0.31              | passes        | -
            bo        | coffee   | 0.3               | passes        | -
            carl      | coffee   | 0.012             | LOW_RELEVANCE | We do not expect you to want this: relevance 0.012, where we ask for 0.300.
            carl      | recipes  | 0.012             | LOW_RELEVANCE | We do not expect you to want this: relevance 0.012, where we ask for 0.300.
            carl      | recall   | 0.012             | passes        | -""",
    ),
    Spec(
        Reason.NO_VALUE,
        "A letter of 0.50 and 0.10 of patience must be earned: at 20 a response, 3 in 100 must answer",
        given={
            "campaigns": """
                campaign_id | channels
                spring      | ["post"]""",
            "offers": """
                offer_id | margin
                coffee   | 20
                washer   | 500""",
        },
        tonight="""
            member_id | offer_id | channel | mailing relevance | outcome  | detail
            anna      | coffee   | post    | 0.04              | passes   | -
            bo        | coffee   | post    | 0.02              | NO_VALUE | A message would cost 0.20 more than it is expected to earn.
            bo        | washer   | post    | 0.02              | passes   | -""",
    ),
    Spec(
        Reason.NO_VALUE,
        "A sure buyer is not subsidised: where those held out bought as often, a discount must add more than the message costs",
        uplift={3: 0.001},
        given={
            "offers": """
                offer_id | kind
                coffee   | discount
                recipes  | content""",
            "offer_products": """
                offer_id | product_id
                coffee   | beans
                recipes  | beans""",
            "transactions": """
            member_id | product_id | occurred_at
            anna      | beans      | 2024-01-05
            anna      | beans      | 2024-01-12
            anna      | beans      | 2024-01-19
            anna      | beans      | 2024-01-26
            anna      | beans      | 2024-02-02
            anna      | beans      | 2024-02-09
            bo        | beans      | 2024-02-09""",
        },
        tonight="""
            member_id | offer_id | outcome  | detail
            anna      | coffee   | NO_VALUE | You buy this so often that you need no discount for it.
            anna      | recipes  | passes   | -
            bo        | coffee   | passes   | -
            carl      | coffee   | passes   | -""",
    ),
)
