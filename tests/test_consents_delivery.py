"""How old the consents are: by when they were handed over, else by the newest of them; and when that is not known."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from ml.club import Club
from ml.errors import ContractError
from ml.quality import check_tables
from resources.decider import NEVER, consents_heard_until
from resources.platform import Platform
from resources.settings import Settings
from tests.clubs import TIMEZONE, tiny_club, write_csv_club, write_database_club
from tests.postgres import PostgresServer
from tests.test_database_source import execute

NOW = datetime(2024, 3, 15, 3, 30)  # UTC; half past four in Oslo
MIDNIGHT = datetime(2024, 3, 14, 23)  # at which the 15th begins there
NEWEST = datetime(2024, 2, 20, 21, 15)  # consent of the tiny club
Heard = Callable[..., datetime | None]


@pytest.fixture
def heard(tmp_path: Path) -> Heard:
    """What the night's first step makes of a source."""

    def asked(source: str, night: str = "2024-03-15") -> datetime | None:
        platform = Platform(Settings(home=tmp_path / "home", source=source, timezone=TIMEZONE), now=lambda: NOW)
        delivered = platform.source.delivered()
        club = Club.of(check_tables(platform.source.tables(), NOW).clean)
        return consents_heard_until(platform, platform.night(night), delivered, club)

    return asked


@pytest.mark.parametrize(
    ("night", "written", "until"),
    [
        ("2024-03-15", NOW - timedelta(hours=1), MIDNIGHT),
        ("2024-03-15", MIDNIGHT - timedelta(hours=30), MIDNIGHT - timedelta(hours=30)),
        ("2024-03-12", MIDNIGHT - timedelta(hours=90), MIDNIGHT - timedelta(hours=90)),
        ("2024-02-12", MIDNIGHT - timedelta(hours=90), None),
        ("2024-03-15", NOW + timedelta(days=9), NEWEST),
    ],
    ids=["after midnight", "long before", "a night that came late", "a night that is history", "in the future"],
)
def test_consents_in_a_folder_are_as_old_as_their_file(
    tmp_path: Path, heard: Heard, night: str, written: datetime, until: datetime | None
) -> None:
    write_csv_club(tmp_path / "club", tiny_club())
    at = written.replace(tzinfo=UTC).timestamp()
    os.utime(tmp_path / "club" / "consents.csv", (at, at))
    assert heard(str(tmp_path / "club"), night) == until


def in_postgres(server: PostgresServer, club: dict[str, pd.DataFrame], *statements: str) -> str:
    url = server.new_database()
    write_database_club(url, club)
    execute(url, *statements)
    return url


MARKED = (
    "CREATE TABLE deliveries (table_name text, delivered_at timestamptz)",
    """INSERT INTO deliveries VALUES ('consents', '2024-03-12T08:00:00+01:00'), ('consents', '2024-03-13T08:00:00+01:00'),
           ('transactions', '2024-03-15T01:00:00Z'), ('consents', NULL)""",
)


def test_consents_in_a_database_are_as_old_as_it_says(postgres_server: PostgresServer, heard: Heard) -> None:
    url = in_postgres(postgres_server, tiny_club(), *MARKED)
    assert heard(url) == datetime(2024, 3, 13, 7)
    assert heard(url, "2024-02-12") is None  # history
    execute(url, "INSERT INTO deliveries VALUES ('consents', '2024-03-15T03:00:00Z')")
    assert heard(url) == MIDNIGHT
    execute(url, "DELETE FROM deliveries", "INSERT INTO deliveries VALUES ('consents', '2031-01-01')")
    assert heard(url) == NEWEST


def test_without_such_a_record_tonights_consents_are_as_old_as_the_newest_of_them(
    postgres_server: PostgresServer, heard: Heard
) -> None:
    club = tiny_club()
    url = in_postgres(postgres_server, club)
    assert heard(url) == NEWEST
    assert heard(url, "2024-02-12") is None
    execute(url, "UPDATE consents SET recorded_at = '2024-03-15T02:00:00Z' WHERE member_id = 'm5'")
    assert heard(url) == MIDNIGHT  # the feed is alive after midnight
    execute(url, "UPDATE consents SET source = 'live' WHERE member_id = 'm5'")
    assert heard(url) == NEWEST  # what a member told us ourselves says nothing of the feed


def test_consents_of_which_none_was_ever_heard_are_not_fresh(postgres_server: PostgresServer, heard: Heard) -> None:
    url = in_postgres(postgres_server, tiny_club(), "DELETE FROM consents")
    assert heard(url) == NEVER


def test_a_club_that_records_no_consents_has_none_that_could_be_old(
    postgres_server: PostgresServer, heard: Heard
) -> None:
    assert heard(in_postgres(postgres_server, tiny_club(), "DROP TABLE consents")) is None


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (["CREATE TABLE deliveries (name text, at timestamptz)"], "must have the columns table_name and delivered_at"),
        (
            ["CREATE TABLE deliveries (table_name text, delivered_at text)", "INSERT INTO deliveries VALUES ('consents', 'today')"],
            "delivered_at must be a time",
        ),
    ],
)  # fmt: skip
def test_a_record_of_deliveries_that_cannot_be_understood_stops_the_night(
    postgres_server: PostgresServer, heard: Heard, statements: list[str], fault: str
) -> None:
    with pytest.raises(ContractError, match=fault):
        heard(in_postgres(postgres_server, tiny_club(), *statements))
