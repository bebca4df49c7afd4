"""Specs of what members said: not for me, facts about themselves, cases. Rendered into docs/suppression-rules.md."""

from ml.reasons import Reason
from tests.rule_world import Spec

SPECS_OF_DECLARATIONS = (
    Spec(
        Reason.NOT_FOR_ME,
        'It reaches all of its scope and nothing else, and a later "more like this" of the same thing lifts it',
        given={
            "offers": """
                offer_id
                coffee
                friele
                tea
                hot-drinks""",
            "offer_products": """
                offer_id   | product_id
                coffee     | beans
                friele     | filter
                tea        | leaves
                hot-drinks | beans
                hot-drinks | leaves
                hot-drinks | loaf""",
            "feedback": """
                member_id | scope       | scope_id | verdict        | recorded_at
                anna      | offer       | coffee   | not_for_me     | 2024-02-01
                bo        | subcategory | COFFEE   | not_for_me     | 2024-02-01
                carl      | subcategory | COFFEE   | not_for_me     | 2024-02-01
                carl      | subcategory | COFFEE   | more_like_this | 2024-03-01
                dina      | brand       | Friele   | not_for_me     | 2024-02-01
                eva       | category    | HOT DRINKS | not_for_me   | 2024-02-01""",
        },
        tonight="""
            member_id | offer_id   | outcome    | detail
            anna      | coffee     | NOT_FOR_ME | On 1 February you said "not for me" to this offer.
            anna      | friele     | passes     | -
            bo        | coffee     | NOT_FOR_ME | On 1 February you said "not for me" to coffee.
            bo        | friele     | NOT_FOR_ME | On 1 February you said "not for me" to coffee.
            bo        | tea        | passes     | -
            bo        | hot-drinks | passes     | -
            carl      | coffee     | passes     | -
            dina      | friele     | NOT_FOR_ME | On 1 February you said "not for me" to Friele.
            dina      | coffee     | passes     | -
            eva       | hot-drinks | NOT_FOR_ME | On 1 February you said "not for me" to hot drinks.""",
    ),
    Spec(
        Reason.NOT_FOR_ME,
        "It stands for the policy's days, and a sensitive thing is never named",
        policy="[not_for_me.days]\nsubcategory = 30\n[sensitive]\ncategories = [\"pills\"]",
        given={
            "offers": """
                offer_id
                coffee
                pills""",
            "offer_products": """
                offer_id | product_id
                coffee   | beans
                pills    | tin""",
            "feedback": """
                member_id | scope       | scope_id | recorded_at
                anna      | subcategory | COFFEE   | 2024-02-14
                bo        | subcategory | COFFEE   | 2024-02-15
                carl      | subcategory | PILLS    | 2024-03-01""",
        },
        tonight="""
            member_id | offer_id | outcome    | until      | detail
            anna      | coffee   | passes     | -          | -
            bo        | coffee   | NOT_FOR_ME | 2024-03-16 | On 15 February you said "not for me" to coffee.
            carl      | pills    | NOT_FOR_ME | 2024-03-31 | On 1 March you said "not for me" to something of this kind.""",
    ),
    Spec(
        Reason.NOT_FOR_ME,
        "Groups are named without regard to letter case and blanks around them, by refusals and by what lifts them",
        given={
            "offers": """
                offer_id
                coffee""",
            "offer_products": """
                offer_id   | product_id
                coffee     | beans""",
            "feedback": """
                member_id | scope       | scope_id   | verdict        | recorded_at
                anna      | subcategory | Coffee     | not_for_me     | 2024-02-01
                bo        | category    | hot drinks | not_for_me     | 2024-02-01
                carl      | brand       | SOLBERG    | not_for_me     | 2024-02-01
                dina      | subcategory | COFFEE     | not_for_me     | 2024-02-01
                dina      | subcategory | coffee     | more_like_this | 2024-03-01
                eva       | product     | BEANS      | not_for_me     | 2024-02-01""",
        },
        tonight="""
            member_id | offer_id   | outcome    | detail
            anna      | coffee     | NOT_FOR_ME | On 1 February you said "not for me" to coffee.
            bo        | coffee     | NOT_FOR_ME | On 1 February you said "not for me" to hot drinks.
            carl      | coffee     | NOT_FOR_ME | On 1 February you said "not for me" to Solberg.
            dina      | coffee     | passes     | -
            eva       | coffee     | passes     | -""",
    ),
    Spec(
        Reason.NOT_FOR_ME,
        "Of several that stand the widest is told, with its own day; only all of them lifted would let it pass",
        policy="[not_for_me.days]\nproduct = 365\nsubcategory = 90",
        given={
            "offers": """
                offer_id
                coffee""",
            "offer_products": """
                offer_id   | product_id
                coffee     | beans
                coffee     | filter""",
            "feedback": """
                member_id | scope       | scope_id   | recorded_at
                anna      | subcategory | COFFEE     | 2024-01-01
                anna      | product     | beans      | 2024-03-01
                bo        | subcategory | COFFEE     | 2024-03-02""",
        },
        tonight="""
            member_id | offer_id   | outcome    | until      | would pass if                                       | detail
            anna      | coffee     | NOT_FOR_ME | 2025-03-01 | the member asks for more like coffee and this product | On 1 January you said "not for me" to coffee.
            bo        | coffee     | NOT_FOR_ME | 2024-05-31 | the member asks for more like coffee                | On 2 March you said "not for me" to coffee.""",
    ),
    Spec(
        Reason.DECLARED_MISMATCH,
        "Only a fresh declaration says that an offer is meant for others; unknown and outgrown say nothing",
        policy="[declared.days]\nchildren = 365",
        given={
            "offers": """
                offer_id | audience_rule
                coffee   | {"children": ["1", "2"]}
                tea      | {"children": [1, 2], "gender": ["female"]}""",
            "declared_facts": """
                member_id | fact     | value  | declared_at
                anna      | children | 0      | 2024-01-01
                bo        | children | 0      | 2023-01-01
                carl      | children | 0      | 2023-12-01
                carl      | children | 1      | 2024-02-01
                dina      | gender   | Female | 2023-06-01
                eva       | gender   | male   | 2023-06-01""",
        },
        tonight="""
            member_id | offer_id | outcome           | detail
            anna      | coffee   | DECLARED_MISMATCH | On 1 January you told us: no children. This is meant for others.
            bo        | coffee   | passes            | -
            carl      | coffee   | passes            | -
            carl      | tea      | passes            | -
            dina      | tea      | passes            | -
            eva       | tea      | DECLARED_MISMATCH | On 1 June 2023 you told us: gender: male. This is meant for others.
            finn      | tea      | passes            | -""",
    ),
    Spec(
        Reason.DECLARED_MISMATCH,
        "The ledger's evidence is what was declared and when; a sensitive value is not repeated",
        policy='[sensitive]\ncategories = ["Wine"]',
        given={
            "offers": """
                offer_id | audience_rule
                coffee   | {"household_size": ["4", "5"]}
                tea      | {"interest": ["opera"]}""",
            "declared_facts": """
                member_id | fact           | value | declared_at
                anna      | household_size | 2     | 2024-01-01
                bo        | interest       | wine  | 2024-01-01""",
        },
        tonight="""
            member_id | offer_id | outcome           | evidence
            anna      | coffee   | DECLARED_MISMATCH | {"margin": -1.0, "unit": "yes or no", "declared": "household size: 2", "declared_on": "2024-01-01"}
            bo        | tea      | DECLARED_MISMATCH | {"margin": -1.0, "unit": "yes or no", "declared": "interest", "declared_on": "2024-01-01"}""",
    ),
    Spec(
        Reason.DECLARED_MISMATCH,
        "Of interests a member may have several: one that fits is enough",
        given={
            "offers": """
                offer_id | audience_rule
                coffee   | {"interest": ["fishing"]}""",
            "declared_facts": """
                member_id | fact     | value   | declared_at
                anna      | interest | fishing | 2023-09-01
                anna      | interest | opera   | 2024-01-01
                bo        | interest | opera   | 2024-01-01""",
        },
        tonight="""
            member_id | offer_id | outcome
            anna      | coffee   | passes
            bo        | coffee   | DECLARED_MISMATCH""",
    ),
    Spec(
        Reason.DECLARED_MISMATCH,
        'Facts are named without regard to letter case and blanks; of a fact whose rule says "any", every declared value fits',
        given={
            "offers": """
                offer_id | audience_rule
                coffee   | {"Gender": ["Female"]}
                tea      | { " children " : [ "any" ] }
                washer   | {"interest": [" Opera ", "any\\"thing"]}""",
            "declared_facts": """
                member_id | fact     | value | declared_at
                anna      | gender   | male  | 2024-01-01
                bo        | GENDER   | male  | 2024-01-01
                bo        | gender   | female | 2024-02-01
                carl      | children | 3     | 2024-01-01
                dina      | Interest | opera | 2024-01-01
                eva       | interest | chess | 2024-01-01""",
        },
        tonight="""
            member_id | offer_id | outcome
            anna      | coffee   | DECLARED_MISMATCH
            bo        | coffee   | passes
            carl      | tea      | passes
            dina      | washer   | passes
            eva       | washer   | DECLARED_MISMATCH""",
    ),
    Spec(
        Reason.UNDERAGE,
        "A year of birth declared by mistake can be corrected: the last word counts, and where the register says younger, the register",
        given={
            "members": """
                member_id | birth_year
                anna      | 1975
                bo        | 1975
                carl      | 2010
                dina      | -""",
            "declared_facts": """
                member_id | fact       | value | declared_at
                anna      | birth_year | 2015  | 2023-05-01
                anna      | birth_year | 1975  | 2023-05-02
                bo        | birth_year | 1975  | 2023-05-01
                bo        | birth_year | 2015  | 2023-05-02
                carl      | birth_year | 1980  | 2023-05-01
                dina      | birth_year | 2015  | 2023-05-01
                dina      | birth_year | 1975  | 2023-05-01""",
        },
        tonight="""
            member_id | offer_id | outcome  | until
            anna      | coffee   | passes   | -
            bo        | coffee   | UNDERAGE | 2033-12-31
            carl      | coffee   | UNDERAGE | 2028-12-31
            dina      | coffee   | UNDERAGE | 2033-12-31""",
    ),
    Spec(
        Reason.OPEN_CASE,
        "While a case is handled there is no marketing; what closes only later is still open tonight",
        given={"cases": """
            member_id | opened_at  | closed_at
            anna      | 2024-03-01 | -
            bo        | 2024-03-01 | 2024-03-10
            carl      | 2024-03-01 | 2024-03-20"""},
        tonight="""
            member_id | offer_id | outcome   | detail
            anna      | coffee   | OPEN_CASE | We are still handling the case you opened on 1 March.
            bo        | coffee   | passes    | -
            carl      | coffee   | OPEN_CASE | We are still handling the case you opened on 1 March.""",
    ),
)  # fmt: skip
