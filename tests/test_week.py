"""The week of a limit, night after night: 7 x 24 hours, whatever the hour of sending and across changes of daylight saving."""

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import ibis
import pytest

from ml.basis import Basis
from ml.club import Club, table_of
from ml.night import Night
from ml.policy import Policy
from ml.rules_sent import week_facts
from tests.rule_world import DEFINITIONS, Spec, club_of

OSLO = ZoneInfo("Europe/Oslo")
QUIET = club_of(Spec(code=None, title="", tonight="member_id | offer_id\nanna | coffee"))  # type: ignore[arg-type]


def days_of_one_a_week(first: date, hour: int, nights: int) -> list[str]:
    """The dates on which a member who wants one message a week gets one, where there is one for them every night and messages go
    out at that hour."""
    sent = list[datetime]()
    for night in (Night(first + timedelta(days=n), "Europe/Oslo") for n in range(nights)):
        if not _in_week(sent, night):
            local = datetime.combine(night.business_date, time(hour), OSLO)
            sent.append(local.astimezone(ZoneInfo("UTC")).replace(tzinfo=None))
    assert all(later - sooner >= timedelta(hours=168) for sooner, later in pairwise(sent))
    return [f"{at.replace(tzinfo=ZoneInfo('UTC')).astimezone(OSLO):%d %b}" for at in sent]


def _in_week(sent: list[datetime], night: Night) -> int:
    rows = [
        {"mailing_id": f"m{n}", "member_id": "anna", "campaign_id": f"c{n}", "channel": "email", "sent_at": at}
        for n, at in enumerate(sent)
    ]
    club = Club.of({**QUIET.tables(), "mailings": table_of(DEFINITIONS["mailings"], rows)})
    nobody = club.members.select("member_id").limit(0)
    basis = Basis(
        club, night, Policy.parse(""), ibis.memtable({"offer_id": ["coffee"]}), None, nobody, nobody, night.as_of
    )
    return int(week_facts(basis).sent_in_week.sum().execute() or 0) if sent else 0


@pytest.mark.parametrize(
    ("first", "hour", "days"),
    [
        (date(2024, 3, 1), 0, ["01 Mar", "08 Mar", "15 Mar"]),  # at the very midnight: a week later it is a week ago
        (date(2024, 3, 1), 10, ["01 Mar", "09 Mar", "17 Mar"]),  # at midnight of the 8th it was not, and nobody knows the hour
        (date(2024, 3, 1), 23, ["01 Mar", "09 Mar", "17 Mar"]),
        (date(2024, 3, 29), 0, ["29 Mar", "06 Apr", "13 Apr"]),  # a week with a day of 23 hours is no 7 x 24
        (date(2024, 10, 25), 0, ["25 Oct", "01 Nov", "08 Nov"]),
    ],
)  # fmt: skip
def test_no_seven_times_24_hours_hold_more_than_one(first: date, hour: int, days: list[str]) -> None:
    assert days_of_one_a_week(first, hour, 18) == days
