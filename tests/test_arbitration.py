"""Who goes first and what chance decides, told on a few pairs. The limits themselves have specs (specs_shopping.py), and
test_decide.py holds them against random nights.
"""

from dataclasses import replace

import ibis

from ml.chance import chosen, draw
from ml.reasons import Reason
from tests.rule_world import Spec, outcomes

EQUALS = Spec(
    Reason.OUTRANKED,
    "Three offers alike, one place",
    policy="[caps]\noffers_per_message = 1",
    given={"offer_products": "offer_id | product_id"},
    tonight="""
        member_id | offer_id | outcome | slot
        anna      | coffee   | -       | -
        anna      | tea      | -       | -
        anna      | tv       | -       | -
        bo        | coffee   | -       | -
        bo        | tea      | -       | -
        bo        | tv       | -       | -""",
)


def sent(spec: Spec) -> set[tuple[object, object]]:
    return {(row["member_id"], row["offer_id"]) for row in outcomes(spec) if row["outcome"] == "passes"}


def test_the_same_seed_breaks_a_tie_the_same_way_whatever_the_order_of_the_rows() -> None:
    header, *rows = EQUALS.tonight.strip().splitlines()
    turned = replace(EQUALS, tonight="\n".join([header, *reversed(rows)]))
    assert sent(EQUALS) == sent(turned)
    assert len(sent(EQUALS)) == 2  # one each


def test_another_seed_breaks_ties_another_way() -> None:
    nights = {frozenset(sent(replace(EQUALS, policy=f"{EQUALS.policy}\n[chance]\nseed = {seed}"))) for seed in range(4)}
    assert len(nights) > 1


def test_without_relevance_what_many_buy_goes_first() -> None:
    spec = replace(
        EQUALS,
        given={
            "transactions": """
            member_id | product_id | occurred_at
            anna      | leaves     | 2024-03-01
            bo        | leaves     | 2024-03-01"""
        },
    )
    assert sent(spec) == {("anna", "tea"), ("bo", "tea")}


def test_messages_of_service_pass_the_limits_and_take_no_place() -> None:
    spec = Spec(
        Reason.OUTRANKED,
        "One message and one offer a week, and a recall",
        policy="[caps]\nmessages_per_week = 1\noffers_per_night = 1",
        given={
            "campaigns": """
                campaign_id | message_class
                spring      | marketing
                recall      | service""",
            "offers": """
                offer_id | campaign_id
                coffee   | spring
                washer   | recall""",
        },
        tonight="""
            member_id | offer_id | relevance | outcome | slot
            anna      | coffee   | 0.2       | passes  | 2
            anna      | washer   | 0.0       | passes  | 1""",
    )
    assert [(row["outcome"], row["slot"]) for row in outcomes(spec)] == [("passes", "2"), ("passes", "1")]


def test_a_discount_allowed_for_what_a_limit_cuts_leaves_no_place_empty() -> None:
    """Half may be discounts. Of four messages two may go: were both discounts let in for the two others, which then are cut, one
    of them would be a discount too many, and one message alone would go."""
    spec = Spec(
        Reason.DISCOUNT_SHARE,
        "Two discounts, two others, two messages a week",
        policy="[caps]\nmessages_per_week = 2\ndiscount_share = 0.5\ndiscount_from = 2",
        given={
            "campaigns": """
                campaign_id
                c1
                c2
                c3
                c4""",
            "offers": """
                offer_id | campaign_id | kind
                a        | c1          | discount
                b        | c2          | discount
                c        | c3          | content
                d        | c4          | content""",
            "offer_products": "offer_id | product_id",
        },
        tonight="""
            member_id | offer_id | relevance | outcome        | slot
            anna      | a        | 0.5       | passes         | 1
            anna      | b        | 0.4       | DISCOUNT_SHARE | -
            anna      | c        | 0.3       | passes         | 2
            anna      | d        | 0.2       | MEMBER_CAP     | -""",
    )
    assert [row["outcome"] for row in outcomes(spec)] == ["passes", "DISCOUNT_SHARE", "passes", "MEMBER_CAP"]


def test_a_member_of_whom_little_is_known_gets_few_offers() -> None:
    spec = Spec(
        Reason.OUTRANKED,
        "Two things are known of Anna",
        policy="[confidence]\nleast_known = 3\noffers_per_night = 1",
        tonight="""
            member_id | offer_id | relevance | outcome   | slot
            anna      | coffee   | 0.2       | passes    | 1
            anna      | tea      | 0.1       | OUTRANKED | -""",
    )
    assert [row["outcome"] for row in outcomes(spec)] == ["passes", "OUTRANKED"]


def test_a_text_too_long_for_sms_goes_another_way() -> None:
    spec = Spec(
        Reason.OUTRANKED,
        "A long title",
        policy='[channels]\nsms_characters = 5\norder = ["sms", "email"]',
        given={
            "campaigns": """
                campaign_id | channels
                spring      | ["sms", "email"]""",
            "offers": """
                offer_id | title
                coffee   | Coffee from Ethiopia
                tea      | Tea""",
        },
        tonight="""
            member_id | offer_id | channel | outcome | detail
            anna      | coffee   | sms     | -       | -
            anna      | coffee   | email   | -       | -
            bo        | tea      | sms     | -       | -""",
    )
    assert [(row["outcome"], row["detail"]) for row in outcomes(spec)] == [
        ("OUTRANKED", "The text is too long for this channel."),
        ("passes", "Chosen for you from the offers of this campaign."),
        ("passes", "Chosen for you from the offers of this campaign."),
    ]


def test_a_draw_chooses_its_share_of_members_and_none_or_all_at_the_ends() -> None:
    members = ibis.memtable({"member_id": [str(n) for n in range(10_000)]})
    drawn = draw(7, "test", members.member_id)
    con = ibis.duckdb.connect()
    counts = [con.execute(members.filter(chosen(drawn, share)).count()) for share in (0.0, 0.2, 1.0)]
    assert counts[0] == 0
    assert 1_900 < counts[1] < 2_100
    assert counts[2] == 10_000
