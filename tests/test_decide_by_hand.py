"""Single nights whose verdicts can be read off: who is never contacted, what is told of a night, and why."""

import json
from datetime import datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import pytest

from ml.club import Club, table_of
from ml.decide import decide
from ml.errors import PolicyError
from ml.lake_tables import DECISIONS, SCORES
from ml.policy import Policy
from ml.policy_changes import changed_verdicts
from ml.reach import changes, wide_campaigns
from ml.reasons import Reason
from ml.uplift import UPLIFT
from tests.nights import NIGHT
from tests.rule_world import DEFINITIONS, Row, Spec, club_of


def test_members_of_whom_nothing_was_scored_are_judged_too() -> None:
    club = club_of(UNPROFILED)
    asks = ibis.memtable(
        [(c, m) for c in ("spring", "letters") for m in ("anna", "bo")], columns=["campaign_id", "member_id"]
    )
    ledger = decide(club, NIGHT, table_of(SCORES, []), Policy(), threshold=0.2, asks=asks, model_version="7")
    held = ibis.duckdb.connect().to_pyarrow(ledger).to_pylist()
    assert {(r["offer_id"], r["member_id"]): r["reason"] for r in held} == {
        ("coffee", "anna"): "LOW_CONFIDENCE",  # may be profiled, yet has no score
        ("coffee", "bo"): "NO_CONSENT",  # may not be profiled
        ("recipes", "anna"): None,
        ("recipes", "bo"): None,
    }
    assert {r["model_version"] for r in held} == {"7"}


UNPROFILED = Spec(
    Reason.NO_CONSENT,
    "Anna consented to profiling, Bo did not",
    given={
        "campaigns": """
            campaign_id | message_class
            spring      | marketing
            letters     | content""",
        "offers": """
            offer_id | campaign_id | kind
            coffee   | spring      | discount
            recipes  | letters     | content""",
        "consents": """
            member_id | purpose   | recorded_at
            anna      | marketing | 2023-01-01
            anna      | profiling | 2023-01-01
            bo        | marketing | 2023-01-01""",
    },
    tonight="member_id | offer_id\nanna | coffee\nbo | coffee",
)
SIMPLE = Spec(Reason.ERASED, "Three members", tonight="member_id | offer_id\nanna | coffee\nbo | coffee\ncarl | coffee")


def reasons(club: Club, policy: str = "", **known: Any) -> dict[str, str | None]:
    """Each member's reason (None = sent), of one offer scored for everybody."""
    rows = [
        {
            "campaign_id": "spring",
            "member_id": m,
            "offer_id": "coffee",
            "relevance": 0.5,
            "mailing_relevance": 0.5,
            "model_version": "1",
        }
        for m in ("anna", "bo", "carl")
    ]
    ledger = decide(club, NIGHT, table_of(SCORES, rows), Policy.parse(policy), threshold=0.2, **known)
    assert ledger.schema() == DECISIONS.schema
    held = ibis.duckdb.connect().to_pyarrow(ledger).to_pylist()
    return {row["member_id"]: row["reason"] for row in held}


def one(member: str) -> object:
    return ibis.memtable({"member_id": [member]})


def test_who_asked_to_be_erased_or_could_not_be_read_is_not_contacted() -> None:
    just_fresh = NIGHT.as_of - timedelta(hours=24)
    told = reasons(club_of(SIMPLE), erased=one("anna"), doubts=one("bo"), consents_until=just_fresh)
    assert told == {"anna": "ERASED", "bo": "NO_CONSENT", "carl": None}


@pytest.mark.parametrize("written", ["Bo", " bo", "bo ", "00bo"])
def test_a_row_that_could_not_be_read_leaves_in_doubt_whose_id_it_may_have_meant(written: str) -> None:
    assert reasons(club_of(SIMPLE), doubts=one(written)) == {"anna": None, "bo": "NO_CONSENT", "carl": None}


def test_consents_too_old_to_trust_stop_everybody() -> None:
    stale = NIGHT.as_of - timedelta(hours=25)
    assert set(reasons(club_of(SIMPLE), consents_until=stale).values()) == {"CONSENT_STALE"}


def without_consents(**rows: list[Row]) -> Club:
    club = club_of(SIMPLE)
    tables = {name: table for name, table in club.tables().items() if name != "consents"}
    return Club.of(tables | {name: table_of(DEFINITIONS[name], held) for name, held in rows.items()})


def test_a_club_without_consents_is_refused_in_so_many_words() -> None:
    with pytest.raises(PolicyError, match="no consents table, and who consented is never guessed"):
        reasons(without_consents())


def test_a_consents_table_without_rows_is_a_silent_night_and_no_error() -> None:
    assert set(reasons(without_consents(consents=[])).values()) == {"NO_CONSENT"}


def test_an_audience_taken_as_consenting_may_still_unsubscribe_and_complain() -> None:
    said = [
        {"response_id": "1", "member_id": "anna", "campaign_id": "spring", "kind": "unsubscribe", "occurred_at": datetime.fromisoformat("2024-03-12")},
    ]  # fmt: skip
    club = without_consents(responses=said)
    assert reasons(club, '[consent]\nassume = "audience"') == {"anna": "NO_CONSENT", "bo": None, "carl": None}


def test_a_campaign_to_nearly_everybody_is_told_of() -> None:
    club = club_of(SIMPLE)
    sent = [
        {"campaign_id": campaign, "member_id": member, "verdict": "send"}
        for campaign, members in (("spring", ("anna", "bo", "carl")), ("summer", ("anna",)))
        for member in members
    ]
    found = ibis.duckdb.connect().to_pyarrow(wide_campaigns(table_of(DECISIONS, sent), club, Policy())).to_pylist()
    assert found == [{"campaign_id": "spring", "to_send": 3, "share": 1.0}]


def test_tonight_against_last_night_tells_who_is_newly_stopped_or_reached_and_why() -> None:
    def offers(*members: str) -> ir.Table:
        return ibis.memtable([("spring", m) for m in members], columns=["campaign_id", "member_id"])

    def stopped(**why: str) -> ir.Table:
        rows = [("spring", m, reason) for m, reason in why.items()]
        return ibis.memtable(rows, columns=["campaign_id", "member_id", "reason"])

    found = changes(
        offers("bo", "dina", "new"), stopped(anna="JUST_BOUGHT", carl="OPEN_CASE"),
        offers("anna", "dina"), stopped(bo="MEMBER_CAP", carl="OPEN_CASE"),
    )  # fmt: skip
    held = ibis.duckdb.connect().to_pyarrow(found.order_by("member_id")).to_pylist()
    assert [tuple(row.values()) for row in held] == [
        ("spring", "anna", "newly stopped", "JUST_BOUGHT"),
        ("spring", "bo", "newly reached", "MEMBER_CAP"),
    ]


def test_the_limit_that_stopped_a_message_is_nearer_than_an_offer_outranked_within_it() -> None:
    def ledger(*rows: tuple[str, str | None]) -> ir.Table:
        said = [
            {"campaign_id": "spring", "member_id": m, "verdict": "suppress" if r else "send", "reason": r}
            for m, r in rows
        ]
        return table_of(DECISIONS, said)

    old = ledger(("anna", "OUTRANKED"), ("anna", "MEMBER_CAP"), ("bo", None), ("bo", "OUTRANKED"), ("carl", None))
    new = ledger(("anna", "OUTRANKED"), ("anna", None), ("bo", "NO_VALUE"), ("carl", None))
    held = ibis.duckdb.connect().to_pyarrow(changed_verdicts(old, new)).to_pylist()
    assert [tuple(row.values()) for row in held] == [("MEMBER_CAP", "sent", 1), ("sent", "NO_VALUE", 1)]


def test_an_offer_sent_for_what_the_member_declared_says_so() -> None:
    fishing = Spec(
        Reason.DECLARED_MISMATCH, "Anna declared fishing, Bo nothing, Carl long ago",
        given={
            "offers": """
                offer_id | audience_rule
                coffee   | {"interest": ["fishing"]}""",
            "declared_facts": """
                member_id | fact     | value   | declared_at
                anna      | interest | opera   | 2024-02-01
                anna      | interest | fishing | 2023-09-01
                carl      | interest | fishing | 2020-09-01""",
        },
        tonight="member_id | offer_id\nanna | coffee\nbo | coffee\ncarl | coffee",
    )  # fmt: skip
    rows = [{"campaign_id": "spring", "member_id": m, "offer_id": "coffee", "relevance": 0.5, "mailing_relevance": 0.5, "model_version": "1"} for m in ("anna", "bo", "carl")]  # fmt: skip
    ledger = decide(club_of(fishing), NIGHT, table_of(SCORES, rows), Policy(), threshold=0.2)
    held = ibis.duckdb.connect().to_pyarrow(ledger.order_by("member_id")).to_pylist()
    assert [(row["verdict"], row["detail"]) for row in held] == [
        ("send", "On 1 September 2023 you told us: an interest in fishing."),
        ("send", "Chosen for you from the offers of this campaign."),
        ("send", "Chosen for you from the offers of this campaign."),
    ]
    told = [{k: v for k, v in json.loads(row["evidence"]).items() if v is not None} for row in held]
    assert told[:2] == [{"declared": "an interest in fishing", "declared_on": "2023-09-01"}, {}]


def test_a_sure_buyer_of_whom_nothing_was_scored_is_told_why_too() -> None:
    days = "\n".join(
        f"{m} | beans | 2024-0{month}-{day}" for m in ("anna",) for month in (1, 2) for day in (11, 18, 25)
    )
    often = Spec(
        Reason.NO_VALUE,
        "Anna buys coffee weekly",
        given={"transactions": "member_id | product_id | occurred_at\n" + days},
        tonight="member_id | offer_id\nanna | coffee\nbo | coffee",
    )
    asks = ibis.memtable([("spring", "anna"), ("spring", "bo")], columns=["campaign_id", "member_id"])
    known = ibis.memtable([(3, 0.0, 0.0005)], schema=UPLIFT)
    ledger = decide(club_of(often), NIGHT, table_of(SCORES, []), Policy(), threshold=None, asks=asks, uplift=known)
    held = ibis.duckdb.connect().to_pyarrow(ledger).to_pylist()
    told = {(row["member_id"], row["offer_id"]): (row["reason"], row["detail"]) for row in held}
    assert told["anna", "coffee"] == ("NO_VALUE", "You buy this so often that you need no discount for it.")
    assert told["bo", "coffee"][0] is None
    assert told["anna", "tea"][0] is None
