"""A batch too unlike the nights before it is refused with its numbers, and what stood before still stands."""

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
import pytest

from ml.errors import PublishRefused
from resources.batches import SAID, Beside
from resources.marts import Marts
from tests.batch_rows import MONDAY, TUESDAY, WEDNESDAY, a_batch, offers, publish, rows, suppressions

MEMBERS = [f"m{n:03d}" for n in range(200)]


def night(
    marts: Marts,
    day: date,
    stopped: dict[str, str],
    consented: Sequence[str] = (),
    refused: Sequence[str] = (),
    members: Sequence[str] = MEMBERS,
    accepted: str = "",
) -> str:
    """Publish a night of one campaign: `stopped` are member -> reason, all others are offered something."""
    sent = "\n".join(f"{m} 1 spring email 0.5" for m in members if m not in stopped)
    held = "\n".join(f"{m} spring {reason}" for m, reason in stopped.items())
    words = [(m, "consented") for m in consented] + [(m, "refused") for m in refused]
    said = pa.Table.from_pylist([{"member_id": m, "verdict": v} for m, v in words], schema=SAID)
    return publish(
        marts,
        a_batch(day, fingerprint=str(day), accepted=accepted),
        offers=offers(sent) if sent else offers("x 1 spring email 0.5").slice(0, 0),
        suppressions=suppressions(held) if held else suppressions("x spring NO_CONSENT").slice(0, 0),
        audience={"spring": len(members)},
        beside=Beside(said=said),
    ).state


def first(count: int, reason: str, start: int = 0) -> dict[str, str]:
    return dict.fromkeys(MEMBERS[start : start + count], reason)


def shown_date(marts: Marts) -> object:
    return rows(
        marts.engine, "SELECT DISTINCT business_date FROM marts.campaign_summary, marts.batches WHERE is_current"
    )


@pytest.mark.promise("R4")
@pytest.mark.promise("F15")
def test_nobody_comes_back_from_an_objection_without_an_opt_in(marts: Marts) -> None:
    night(marts, MONDAY, first(2, "OBJECTED"))
    with pytest.raises(PublishRefused, match="without an opt-in: 1"):
        night(marts, TUESDAY, first(1, "OBJECTED"))
    with pytest.raises(PublishRefused, match="without an opt-in: 1"):  # and no person can wave it through
        night(marts, TUESDAY, first(1, "OBJECTED"), accepted="we think so")
    assert shown_date(marts) == [(MONDAY,)]
    assert night(marts, TUESDAY, first(1, "OBJECTED"), consented=["m001"]) == "published"


def test_an_opt_in_of_the_daytime_is_one(marts: Marts) -> None:
    night(marts, MONDAY, first(2, "OBJECTED"))
    rows(marts.engine, "SELECT marts.opt_in('m001')")
    assert night(marts, TUESDAY, first(1, "OBJECTED")) == "published"


@pytest.mark.promise("F15")
def test_a_consent_that_comes_from_nowhere_is_refused_until_a_person_says_why(marts: Marts) -> None:
    night(marts, MONDAY, first(2, "NO_CONSENT"))
    with pytest.raises(
        PublishRefused, match=r'without consent the night before .*: 1. Where it is meant so, .*--accept "why"'
    ):
        night(marts, TUESDAY, first(1, "NO_CONSENT"))
    assert night(marts, TUESDAY, first(1, "NO_CONSENT"), accepted="the feed was mended") == "published"
    assert rows(marts.engine, "SELECT accepted FROM platform.batches ORDER BY business_date") == [
        (None,),
        ("the feed was mended",),
    ]


def test_a_limit_of_the_night_before_is_no_word_of_the_member(marts: Marts) -> None:
    night(marts, MONDAY, first(150, "MEMBER_CAP"))
    assert night(marts, TUESDAY, {}) == "published"


@pytest.mark.promise("R4")
def test_more_opt_ins_in_a_night_than_a_club_has_are_refused(marts: Marts) -> None:
    night(marts, MONDAY, first(20, "OBJECTED"))
    with pytest.raises(PublishRefused, match="11 of 20 stopped members may be written to again"):
        night(marts, TUESDAY, first(9, "OBJECTED"), consented=MEMBERS[9:20])
    assert night(marts, TUESDAY, first(10, "OBJECTED"), consented=MEMBERS[10:20]) == "published"


@pytest.mark.promise("R4")
def test_half_the_audience_gone_is_refused(marts: Marts) -> None:
    night(marts, MONDAY, {})
    with pytest.raises(PublishRefused, match=r"audience 159, -20% against 200 in the median of 7 days"):
        night(marts, TUESDAY, {}, members=MEMBERS[:159])
    assert night(marts, TUESDAY, {}, members=MEMBERS[:160]) == "published"


@pytest.mark.promise("F17")
def test_a_day_ten_times_the_usual_is_refused_with_the_numbers_and_the_usual_one_stays(marts: Marts) -> None:
    night(marts, MONDAY, {}, members=MEMBERS[:200])
    tenfold = [f"m{n}" for n in range(2_000)]
    with pytest.raises(PublishRefused, match=r"audience 2000, \+900% against 200 in the median of 7 days"):
        night(marts, TUESDAY, {}, members=tenfold)
    assert shown_date(marts) == [(MONDAY,)]
    assert night(marts, TUESDAY, {}, members=MEMBERS[:200]) == "published"


@pytest.mark.promise("R4")
def test_consents_that_vanish_without_a_refusal_are_a_feed_that_lost_rows(marts: Marts) -> None:
    night(marts, MONDAY, first(20, "NO_CONSENT"))
    with pytest.raises(PublishRefused, match=r"20.5% have neither consented nor refused, against 10.0%"):
        night(marts, TUESDAY, first(41, "NO_CONSENT"))
    assert night(marts, TUESDAY, first(40, "NO_CONSENT")) == "published"


@pytest.mark.promise("F14")
@pytest.mark.promise("R4")
def test_a_club_in_which_everybody_says_no_has_a_valid_night_and_another_one_after_it(marts: Marts) -> None:
    night(marts, MONDAY, {})
    for day in (TUESDAY, WEDNESDAY):
        assert night(marts, day, first(200, "NO_CONSENT"), refused=MEMBERS) == "published"
    assert rows(marts.engine, "SELECT count(*) FROM marts.offer_table") == [(0,)]


def test_a_small_club_is_not_judged_by_shares(marts: Marts) -> None:
    night(marts, MONDAY, {}, members=MEMBERS[:9])
    assert night(marts, TUESDAY, {}, members=MEMBERS[:3]) == "published"


def test_campaigns_that_begin_are_compared_with_nothing(marts: Marts) -> None:
    publish(marts, a_batch(MONDAY))
    sent = "\n".join(f"{m} 1 autumn email 0.5" for m in MEMBERS)
    new = publish(
        marts,
        a_batch(TUESDAY),
        offers=offers(sent),
        suppressions=suppressions("carl autumn OBJECTED"),
        audience={"autumn": 201},
    )
    assert new.is_current
