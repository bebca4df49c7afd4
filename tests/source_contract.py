"""What every source of a club's tables keeps, told once. Each kind inherits it in its own test module, and adds there what
is its alone: folders in test_sources.py, databases in test_database_source.py, The Complete Journey in its own.
"""

import traceback
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from ml.club import Club
from ml.errors import ContractError
from ml.night import Night
from ml.quality import Checked, check_tables
from resources.sources import ClubSource
from tests.clubs import BUSINESS_DATE, DEFINITIONS, tiny_club
from tests.conftest import NOW

TODAY = NOW.date()
OpenClub = Callable[[Mapping[str, pd.DataFrame]], ClubSource]


class SourceContract:
    """What every source keeps. A kind gives the fixture `source`; reading and checking it raises no alarm."""

    @pytest.fixture(scope="class")
    @classmethod
    def checked(cls, source: ClubSource) -> Checked:
        return check_tables(source.tables(), NOW, source.origins())

    def test_has_every_required_table_and_none_that_the_contract_does_not_know(self, source: ClubSource) -> None:
        names = set(source.tables())
        assert {name for name, t in DEFINITIONS.items() if not t.optional} <= names <= set(DEFINITIONS)

    def test_has_a_name_and_a_time_zone(self, source: ClubSource) -> None:
        assert source.name
        assert Night(TODAY, source.timezone).as_of.date() in (TODAY, TODAY - timedelta(days=1))

    def test_its_rows_keep_the_contract(self, checked: Checked) -> None:
        assert {name: bad for name, (_, bad) in checked.counts.items() if bad} == {}
        assert {name: t.schema() for name, t in checked.clean.items()} == {
            n: DEFINITIONS[n].schema for n in checked.clean
        }

    def test_its_default_night_is_within_its_dates_and_not_in_the_future(self, source: ClubSource) -> None:
        day = source.default_business_date(TODAY)
        assert (source.first_date or day) <= day <= (source.last_date or TODAY)
        assert source.default_business_date(day - timedelta(days=90)) <= day - timedelta(days=90)

    def test_the_same_tables_come_each_time_they_are_asked_for(self, source: ClubSource, checked: Checked) -> None:
        assert check_tables(source.tables(), NOW).counts == checked.counts


class ClubContract(SourceContract):
    """What every source of a club's own tables keeps. A kind gives the fixture `open_club`."""

    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, open_club: OpenClub) -> ClubSource:
        return open_club(tiny_club())

    def test_gives_the_club_as_it_is(self, checked: Checked) -> None:
        assert rows(checked, "members") == [
            ("007", date(2019, 5, 2), 1961, "0150", "s1", "Kari", "no", None),
            ("m2", date(2020, 1, 10), 1988, "0162", "s1", "Ola", "no", None),
            ("m3", date(2021, 2, 28), 1975, "5003", "s2", "Åse", "nn", None),
            ("m4", date(2022, 7, 1), None, None, None, None, None, None),
            ("m5", date(2023, 11, 15), 2001, "5006", "s2", "Émile", "en", None),
            ("m6", date(2024, 2, 29), 1999, "0150", "s1", "Liv", "no", None),
            ("m7", None, 1950, "9008", None, "Per", "no", None),
        ]
        assert [str(amount) for amount in column(checked, "transactions", "amount")] == [
            "89.8000", "21.9000", "65.7000", "1299.5000", "238.8000", "-1299.5000", "49.9500",
        ]  # fmt: skip
        assert column(checked, "transactions", "occurred_at")[-1] == datetime.fromisoformat("2024-03-14T22:59:59.5")
        assert column(checked, "campaigns", "channels") == [["email", "post"], ["email", "sms"]]
        assert column(checked, "offers", "audience_rule") == [None, '{"interest": ["fishing"]}', None]
        assert column(checked, "consents", "granted") == [True, True, True, False, True, True]

    def test_the_default_night_follows_the_newest_event(self, source: ClubSource) -> None:
        assert source.default_business_date(TODAY) == BUSINESS_DATE

    def test_a_time_in_the_future_does_not_set_the_default_night(self, open_club: OpenClub) -> None:
        club = tiny_club()
        club["mailings"].loc[0, "sent_at"] = datetime.fromisoformat("2031-01-01")
        assert open_club(club).default_business_date(TODAY) == BUSINESS_DATE

    def test_an_optional_table_that_is_absent_is_left_out(self, open_club: OpenClub) -> None:
        club = tiny_club()
        del club["cases"], club["consents"]
        assert {"cases", "consents"}.isdisjoint(open_club(club).tables())

    def test_an_optional_table_without_rows_is_recorded_and_empty(self, open_club: OpenClub) -> None:
        club = tiny_club()
        club["cases"] = club["cases"].iloc[:0]
        checked = check_tables(open_club(club).tables(), NOW)
        assert rows(checked, "cases") == []
        assert "cases" in Club.of(checked.clean).recorded

    def test_every_missing_required_table_is_named(self, open_club: OpenClub) -> None:
        club = tiny_club()
        del club["mailings"], club["products"]
        with pytest.raises(ContractError, match="has no table products, mailings"):
            open_club(club).tables()

    def test_unknown_columns_and_tables_are_ignored_and_the_columns_counted(self, open_club: OpenClub) -> None:
        club = tiny_club()
        club["members"]["shoe size"] = 43
        club["promotions"] = pd.DataFrame({"aisle": [1, 2]})
        checked = check_tables(open_club(club).tables(), NOW)
        assert checked.unknown_columns == {"members": ["shoe size"]}
        assert "promotions" not in checked.counts

    def test_columns_may_stand_in_any_order(self, open_club: OpenClub, checked: Checked) -> None:
        club = {name: frame[frame.columns[::-1]] for name, frame in tiny_club().items()}
        again = check_tables(open_club(club).tables(), NOW)
        assert rows(again, "transactions") == rows(checked, "transactions")


def told(error: Exception) -> str:
    """All that a log gets of an error, its causes too."""
    return "".join(traceback.format_exception(error))


def rows(checked: Checked, table: str) -> list[tuple[object, ...]]:
    held = checked.clean[table].order_by(DEFINITIONS[table].key).to_pyarrow().to_pylist()
    return [tuple(row.values()) for row in held]


def column(checked: Checked, table: str, name: str) -> list[object]:
    return checked.clean[table].order_by(DEFINITIONS[table].key).to_pyarrow()[name].to_pylist()
