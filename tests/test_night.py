"""The night: when a business date begins, and what may be known of a club by then."""

from datetime import date, datetime

import pytest

from ml.club import Club, empty, table_of, visible
from ml.night import Night
from ml.source_tables import SOURCE_TABLES

OSLO = "Europe/Oslo"


@pytest.mark.promise("R15")
@pytest.mark.parametrize(
    ("day", "begins"),
    [
        (date(2026, 1, 15), datetime(2026, 1, 14, 23)),  # winter: one hour ahead of UTC
        (date(2026, 7, 15), datetime(2026, 7, 14, 22)),  # summer: two
        (date(2026, 3, 30), datetime(2026, 3, 29, 22)),  # after the 23-hour day
        (date(2026, 10, 26), datetime(2026, 10, 25, 23)),  # after the 25-hour day
        (date(2028, 2, 29), datetime(2028, 2, 28, 23)),  # leap day
        (date(2027, 1, 1), datetime(2026, 12, 31, 23)),  # year end
    ],
)
def test_a_business_date_begins_at_local_midnight(day: date, begins: datetime) -> None:
    assert Night(day, OSLO).as_of == begins


@pytest.mark.promise("R15")
def test_days_of_changing_clocks_are_23_and_25_hours_long() -> None:
    def hours(day: date, following: date) -> float:
        return (Night(following, OSLO).as_of - Night(day, OSLO).as_of).total_seconds() / 3600

    assert hours(date(2026, 3, 29), date(2026, 3, 30)) == 23
    assert hours(date(2026, 10, 25), date(2026, 10, 26)) == 25


def club_of(**rows: list[dict[str, object]]) -> Club:
    tables = {t.name: empty(t.schema) for t in SOURCE_TABLES if not t.optional}
    for definition in SOURCE_TABLES:
        if definition.name in rows:
            tables[definition.name] = table_of(definition, rows[definition.name])
    return Club.of(tables)


NIGHT = Night(date(2026, 1, 15), OSLO)  # begins 2026-01-14 23:00 UTC


def test_an_event_is_known_when_it_happened_strictly_before_the_date_began() -> None:
    club = club_of(
        responses=[
            {"response_id": "before", "occurred_at": datetime(2026, 1, 14, 22, 59, 59)},
            {"response_id": "at midnight", "occurred_at": datetime(2026, 1, 14, 23, 0)},
            {"response_id": "after", "occurred_at": datetime(2026, 1, 15, 9, 0)},
        ]
    )
    assert visible(club, NIGHT).responses.response_id.to_pandas().tolist() == ["before"]


def test_a_campaign_is_known_from_its_first_day_and_its_offers_with_it() -> None:
    club = club_of(
        campaigns=[
            {"campaign_id": "tonight", "starts_on": date(2026, 1, 15), "ends_on": date(2026, 1, 20)},
            {"campaign_id": "tomorrow", "starts_on": date(2026, 1, 16), "ends_on": date(2026, 1, 20)},
        ],
        offers=[{"offer_id": "a", "campaign_id": "tonight"}, {"offer_id": "b", "campaign_id": "tomorrow"}],
        offer_products=[{"offer_id": "a", "product_id": "milk"}, {"offer_id": "b", "product_id": "tea"}],
        audiences=[{"campaign_id": "tonight", "member_id": "m"}, {"campaign_id": "tomorrow", "member_id": "m"}],
    )
    known = visible(club, NIGHT)
    assert known.campaigns.campaign_id.to_pandas().tolist() == ["tonight"]
    assert known.offers.offer_id.to_pandas().tolist() == ["a"]
    assert known.offer_products.product_id.to_pandas().tolist() == ["milk"]
    assert known.audiences.campaign_id.to_pandas().tolist() == ["tonight"]


def test_a_member_who_joins_later_is_not_there_yet() -> None:
    club = club_of(
        members=[
            {"member_id": "old", "joined_on": date(2020, 1, 1)},
            {"member_id": "today", "joined_on": date(2026, 1, 15)},
            {"member_id": "tomorrow", "joined_on": date(2026, 1, 16)},
            {"member_id": "unknown", "joined_on": None},
        ]
    )
    assert sorted(visible(club, NIGHT).members.member_id.to_pandas()) == ["old", "today", "unknown"]


def test_a_case_that_is_closed_later_is_still_open_tonight() -> None:
    club = club_of(
        cases=[
            {"case_id": "closed before", "opened_at": datetime(2026, 1, 1), "closed_at": datetime(2026, 1, 10)},
            {"case_id": "closed after", "opened_at": datetime(2026, 1, 1), "closed_at": datetime(2026, 1, 20)},
        ]
    )
    known = visible(club, NIGHT).cases.order_by("case_id").closed_at.to_pandas()
    assert known.isna().tolist() == [True, False]


def test_a_table_the_club_does_not_record_is_empty_and_said_not_to_be_recorded() -> None:
    club = club_of()
    assert "feedback" not in club.recorded
    assert club.feedback.count().to_pandas() == 0
    assert "feedback" not in club.tables()
