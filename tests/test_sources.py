"""Sources: every kind keeps one contract, told once in `SourceContract` and `ClubContract` and inherited by each kind.
What a fault in a row or column does is told in test_quality.py.
"""

import sqlite3
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from ibis.backends.duckdb import Backend

from ml.club import Club, visible
from ml.errors import ContractError, SettingsError, SourceUnavailable
from ml.night import Night
from ml.quality import Checked, check_tables, watermarks
from ml.source_tables import SOURCE_TABLES
from resources.engine import open_engine
from resources.settings import Settings
from resources.sources import ClubSource, open_source
from tests.clubs import (
    BUSINESS_DATE,
    TIMEZONE,
    tiny_club,
    write_csv_club,
    write_database_club,
    write_parquet_club,
)
from tests.conftest import NOW
from tests.postgres import PostgresServer

TODAY = NOW.date()
CONTRACT = {t.name: t for t in SOURCE_TABLES}
OpenClub = Callable[[Mapping[str, pd.DataFrame]], ClubSource]


@pytest.fixture(scope="module")
def engine() -> Iterator[Backend]:
    with tempfile.TemporaryDirectory(prefix="hemsil-test-") as folder:
        yield open_engine(Settings(home=Path(folder), threads=2, memory_limit="2GB"))


class SourceContract:
    """What every source keeps. A kind gives the fixture `source`; reading and checking it raises no alarm."""

    @pytest.fixture(scope="class")
    @classmethod
    def checked(cls, source: ClubSource) -> Checked:
        return check_tables(source.tables(), NOW, source.origins())

    def test_has_every_required_table_and_none_that_the_contract_does_not_know(self, source: ClubSource) -> None:
        names = set(source.tables())
        assert {t.name for t in SOURCE_TABLES if not t.optional} <= names <= set(CONTRACT)

    def test_has_a_name_and_a_time_zone(self, source: ClubSource) -> None:
        assert source.name
        assert Night(TODAY, source.timezone).as_of.date() in (TODAY, TODAY - timedelta(days=1))

    def test_its_rows_keep_the_contract(self, checked: Checked) -> None:
        assert {name: bad for name, (_, bad) in checked.counts.items() if bad} == {}
        assert {name: t.schema() for name, t in checked.clean.items()} == {n: CONTRACT[n].schema for n in checked.clean}

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
            ("007", date(2019, 5, 2), 1961, "0150", "s1", "Kari", "no"),
            ("m2", date(2020, 1, 10), 1988, "0162", "s1", "Ola", "no"),
            ("m3", date(2021, 2, 28), 1975, "5003", "s2", "Åse", "nn"),
            ("m4", date(2022, 7, 1), None, None, None, None, None),
            ("m5", date(2023, 11, 15), 2001, "5006", "s2", "Émile", "en"),
            ("m6", date(2024, 2, 29), 1999, "0150", "s1", "Liv", "no"),
            ("m7", None, 1950, "9008", None, "Per", "no"),
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


class TestFolderOfCsv(ClubContract):
    @pytest.fixture(scope="class")
    @classmethod
    def open_club(cls, engine: Backend, tmp_path_factory: pytest.TempPathFactory) -> OpenClub:
        return folder_of(write_csv_club, engine, tmp_path_factory)

    def test_a_mark_of_utf8_and_windows_line_ends_do_no_harm(self, engine: Backend, tmp_path: Path) -> None:
        write_csv_club(tmp_path, tiny_club())
        plain = (tmp_path / "members.csv").read_bytes()
        (tmp_path / "members.csv").write_bytes(b"\xef\xbb\xbf" + plain.replace(b"\n", b"\r\n"))
        checked = check_tables(open_source(str(tmp_path), engine, TIMEZONE).tables(), NOW)
        assert column(checked, "members", "member_id") == ["007", "m2", "m3", "m4", "m5", "m6", "m7"]

    @pytest.mark.parametrize(
        ("content", "why"),
        [  # the word "secret" stands for what a file says of a member
            (b"", "is empty: it has not even a header"),
            (b"mailing_id,member_id\nx1,secret\nx2,secret,3\n", "line 3: 3 values where the header has 2 columns"),
            (b"mailing_id,member_id\nx1,secret\nx2", "line 3: 1 values where the header has 2 columns"),
            (b"mailing_id,member_id\nx1,secret\xe6\n", "line 2: it is not UTF-8"),
            (b"mailing_id,member_id\n" + b"x1,m1\n" * 90_000 + b"x2,secret\xe6\n", "line 90002: it is not UTF-8"),
            (b'mailing_id,member_id\nx1,"secret\nx2,m2\n', "line 2: a quote is not closed"),
        ],
        ids=["empty", "a value too many", "cut off", "not UTF-8", "not UTF-8 far down", "open quote"],
    )
    def test_a_broken_file_is_named_with_its_table_and_nothing_of_its_content(
        self, engine: Backend, tmp_path: Path, content: bytes, why: str
    ) -> None:
        write_csv_club(tmp_path, tiny_club())
        (tmp_path / "mailings.csv").write_bytes(content)
        with pytest.raises(SourceUnavailable) as caught:
            open_source(str(tmp_path), engine, TIMEZONE).tables()
        assert "mailings.csv (table mailings)" in str(caught.value)
        assert why in str(caught.value)
        assert "secret" not in told(caught.value)

    def test_a_column_named_twice_is_refused(self, engine: Backend, tmp_path: Path) -> None:
        write_csv_club(tmp_path, tiny_club())
        (tmp_path / "stores.csv").write_text("store_id,store_id,postcode,latitude,longitude\ns1,s2,,,\n")
        with pytest.raises(ContractError, match=r"table stores \(stores.csv\): .*store_id"):
            open_source(str(tmp_path), engine, TIMEZONE).tables()


class TestFolderOfParquet(ClubContract):
    @pytest.fixture(scope="class")
    @classmethod
    def open_club(cls, engine: Backend, tmp_path_factory: pytest.TempPathFactory) -> OpenClub:
        return folder_of(write_parquet_club, engine, tmp_path_factory)

    def test_a_table_may_be_a_folder_of_parts(self, engine: Backend, tmp_path: Path) -> None:
        write_parquet_club(tmp_path, tiny_club())
        whole = pq.read_table(tmp_path / "transactions.parquet")
        (tmp_path / "transactions.parquet").unlink()
        (tmp_path / "transactions").mkdir()
        for part, start in enumerate((0, 4)):
            pq.write_table(whole.slice(start, 4), tmp_path / "transactions" / f"part-{part}.parquet")
        checked = check_tables(open_source(str(tmp_path), engine, TIMEZONE).tables(), NOW)
        assert checked.counts["transactions"] == (7, 0)

    @pytest.mark.parametrize("left", [0, 3, 500], ids=["empty", "three bytes", "cut off"])
    def test_a_file_cut_short_is_named_with_its_table(self, engine: Backend, tmp_path: Path, left: int) -> None:
        write_parquet_club(tmp_path, tiny_club())
        path = tmp_path / "responses.parquet"
        path.write_bytes(path.read_bytes()[:left])
        with pytest.raises(
            SourceUnavailable, match=r"responses.parquet \(table responses\) cannot be read: it is (empty|cut)"
        ):
            open_source(str(tmp_path), engine, TIMEZONE).tables()

    def test_a_damaged_page_is_found_when_the_table_is_opened(self, engine: Backend, tmp_path: Path) -> None:
        write_parquet_club(tmp_path, tiny_club())
        path = tmp_path / "members.parquet"
        content = bytearray(path.read_bytes())
        content[4:80] = b"\xff" * 76
        path.write_bytes(content)
        with pytest.raises(SourceUnavailable, match=r"members.parquet \(table members\) cannot be read: it is damaged"):
            open_source(str(tmp_path), engine, TIMEZONE).tables()

    def test_one_table_in_two_files_is_refused(self, engine: Backend, tmp_path: Path) -> None:
        write_parquet_club(tmp_path, tiny_club())
        (tmp_path / "members.csv").write_text("member_id\n")
        with pytest.raises(ContractError, match=r"more than once: members\.csv and members\.parquet"):
            open_source(str(tmp_path), engine, TIMEZONE).tables()


class TestSqlite(ClubContract):
    @pytest.fixture(scope="class")
    @classmethod
    def open_club(cls, engine: Backend, tmp_path_factory: pytest.TempPathFactory) -> OpenClub:
        def opened(frames: Mapping[str, pd.DataFrame]) -> ClubSource:
            url = f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'club.db'}"
            write_database_club(url, dict(frames))
            return open_source(url, engine, TIMEZONE)

        return opened

    def test_a_file_that_is_no_database_is_told_without_its_content(self, engine: Backend, tmp_path: Path) -> None:
        (tmp_path / "club.db").write_text("secret " * 1000)
        with pytest.raises(SourceUnavailable, match=r"sqlite:.*club.db cannot be read \(DatabaseError\)") as caught:
            open_source(f"sqlite:///{tmp_path / 'club.db'}", engine, TIMEZONE).tables()
        assert "secret" not in told(caught.value)

    def test_a_value_is_never_lost_to_the_databases_type(self, engine: Backend, tmp_path: Path) -> None:
        """SQLite keeps any text in a date column, where a reader of types would stop at the first bad one."""
        url = f"sqlite:///{tmp_path / 'club.db'}"
        write_database_club(url, tiny_club())
        with sqlite3.connect(tmp_path / "club.db") as connection:
            connection.execute("UPDATE mailings SET sent_at = 'yesterday' WHERE mailing_id = 'x4'")
        connection.close()
        checked = check_tables(open_source(url, engine, TIMEZONE).tables(), NOW)
        assert checked.counts["mailings"] == (4, 1)


class TestPostgres(ClubContract):
    @pytest.fixture(scope="class")
    @classmethod
    def open_club(cls, engine: Backend, postgres_server: PostgresServer) -> OpenClub:
        def opened(frames: Mapping[str, pd.DataFrame]) -> ClubSource:
            url = postgres_server.new_database()
            write_database_club(url, dict(frames))
            return open_source(url, engine, TIMEZONE)

        return opened

    def test_its_own_types_read_as_the_contracts(self, engine: Backend, postgres_server: PostgresServer) -> None:
        url = postgres_server.new_database()
        write_database_club(url, tiny_club())
        execute(
            url,
            """ALTER TABLE campaigns ALTER channels TYPE text[]
                   USING string_to_array(translate(channels, '[]" ', ''), ',')""",
            "ALTER TABLE offers ALTER audience_rule TYPE jsonb USING audience_rule::jsonb",
            "ALTER TABLE transactions ALTER amount TYPE numeric(12, 2), ALTER quantity TYPE numeric",
            "ALTER TABLE mailings ALTER sent_at TYPE timestamptz USING sent_at AT TIME ZONE 'UTC'",
            "ALTER TABLE stores ADD COLUMN logo bytea DEFAULT 'x'",
        )
        checked = check_tables(open_source(url, engine, TIMEZONE).tables(), NOW)
        assert column(checked, "campaigns", "channels") == [["email", "post"], ["email", "sms"]]
        assert column(checked, "offers", "audience_rule")[1] == '{"interest": ["fishing"]}'
        assert str(column(checked, "transactions", "amount")[0]) == "89.8000"
        assert column(checked, "mailings", "sent_at")[0] == datetime.fromisoformat("2024-01-08T07:00")
        assert sum(bad for _, bad in checked.counts.values()) == 0

    def test_a_server_that_is_away_is_told_without_user_and_password(self, engine: Backend) -> None:
        url = "postgresql://kari:hunter2@127.0.0.1:9/club"
        with pytest.raises(SourceUnavailable, match=r"postgresql://127.0.0.1:9/club cannot be read") as caught:
            open_source(url, engine, TIMEZONE).tables()
        assert "hunter2" not in told(caught.value)


class TestCompleteJourney(SourceContract):
    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, engine: Backend) -> ClubSource:
        return open_source("complete-journey", engine, TIMEZONE)

    def test_every_row_of_the_package_is_there(self, checked: Checked) -> None:
        assert checked.counts == {
            "members": (2_469, 0),
            "stores": (457, 0),
            "products": (92_351, 0),  # 92,331 listed, 20 only bought or on a coupon
            "campaigns": (27, 0),
            "offers": (1_197, 0),
            "offer_products": (111_332, 0),
            "audiences": (6_589, 0),
            "declared_facts": (5_237, 0),
            "transactions": (1_469_307, 0),
            "mailings": (6_589, 0),
            "responses": (2_102, 0),
        }

    def test_it_has_its_own_zone_night_and_note(self, source: ClubSource) -> None:
        assert source.timezone == "America/New_York"
        assert source.default_business_date(TODAY) == date(2017, 10, 30)
        assert "simulated" in source.note

    def test_a_redemption_falls_on_a_day_on_which_the_member_shopped(self, checked: Checked) -> None:
        """All of them do: days are New York's, of purchases and of redemptions."""
        bought, redeemed = checked.clean["transactions"], checked.clean["responses"]
        night = "America/New_York"
        days = bought.select("member_id", "occurred_at").distinct().to_pandas()
        days["day"] = days.occurred_at.dt.tz_localize("UTC").dt.tz_convert(night).dt.date
        answers = redeemed.select("member_id", "occurred_at").to_pandas()
        answers["day"] = answers.occurred_at.dt.tz_localize("UTC").dt.tz_convert(night).dt.date
        shopped = set(zip(days.member_id, days.day, strict=True))
        assert sum(pair not in shopped for pair in zip(answers.member_id, answers.day, strict=True)) == 0

    def test_a_mailing_is_known_from_the_night_after_its_campaign_starts(self, checked: Checked) -> None:
        """Campaign 18 starts on 30 October 2017: its list is known that night, its mailings are not sent yet."""

        def known(day: date) -> tuple[int, int, int]:
            club = visible(Club.of(checked.clean), Night(day, "America/New_York"))
            return tuple(
                int(t.filter(t.campaign_id == "18").count().to_pyarrow().as_py())
                for t in (club.campaigns, club.audiences, club.mailings)
            )  # type: ignore[return-value]

        assert known(date(2017, 10, 29)) == (0, 0, 0)
        assert known(date(2017, 10, 30)) == (1, 1133, 0)
        assert known(date(2017, 10, 31)) == (1, 1133, 1133)

    def test_titles_can_be_read(self, checked: Checked) -> None:
        titles = set(column(checked, "offers", "title"))
        assert {"Coupon: BODY WASH", "Coupon: VEGETABLES - SHELF STABLE and 3 other categories"} <= titles

    def test_the_newest_known_times(self, checked: Checked) -> None:
        assert watermarks(checked.clean) == {
            "campaigns": "2017-12-28",
            "declared_facts": "2016-12-31T00:00:00Z",
            "transactions": "2018-01-01T04:01:20Z",
            "mailings": "2017-12-28T05:00:00Z",
            "responses": "2017-12-31T17:00:00Z",
        }


@pytest.mark.parametrize(
    ("newest_event", "night"),
    [
        ("2024-03-30T22:59:59", "2024-03-31"),  # a second before the day of 23 hours
        ("2024-03-30T23:00:00", "2024-04-01"),  # its first second
        ("2024-03-31T21:59:59", "2024-04-01"),  # its last
        ("2024-10-26T22:00:00", "2024-10-28"),  # the day of 25 hours
        ("2024-10-27T22:59:59", "2024-10-28"),
        ("2024-02-28T23:00:00", "2024-03-01"),  # leap day
        ("2024-12-31T22:59:59", "2025-01-01"),  # year end
        ("2024-12-31T23:00:00", "2025-01-02"),
    ],
)
def test_the_night_after_an_event_goes_by_the_clubs_own_calendar(
    engine: Backend, tmp_path: Path, newest_event: str, night: str
) -> None:
    club = tiny_club()
    club["transactions"] = club["transactions"].drop(index=5)  # what is left is older, ...
    club["mailings"] = club["mailings"].drop(index=3)
    club["transactions"].loc[6, "occurred_at"] = datetime.fromisoformat(newest_event)  # ... but for this one
    write_csv_club(tmp_path, club)
    source = open_source(str(tmp_path), engine, TIMEZONE)
    assert source.default_business_date(TODAY).isoformat() == night
    # and that night knows the event, which the night before it did not
    checked = check_tables(source.tables(), NOW)
    after = Night(date.fromisoformat(night), TIMEZONE)
    before = Night(after.business_date - timedelta(days=1), TIMEZONE)
    known = [visible(Club.of(checked.clean), n).transactions.count().to_pyarrow().as_py() for n in (before, after)]
    assert known == [5, 6]


@pytest.mark.parametrize("spec", ["", "simulted", "/no/such/folder", "complete_journey"])
def test_what_is_no_source_is_refused_with_the_values_there_are(engine: Backend, spec: str) -> None:
    with pytest.raises(SettingsError, match=r"HEMSIL_SOURCE is .* complete-journey, the path of a folder"):
        open_source(spec, engine, TIMEZONE)


@pytest.mark.parametrize("url", ["s3://bucket/club", "mysql+nodriver://kari:hunter2@host/club", "://"])
def test_a_url_that_cannot_be_used_is_refused_without_its_password(engine: Backend, url: str) -> None:
    with pytest.raises(SettingsError, match="HEMSIL_SOURCE: a database URL beginning with") as caught:
        open_source(url, engine, TIMEZONE)
    assert "hunter2" not in str(caught.value)


def folder_of(
    write: Callable[[Path, dict[str, pd.DataFrame]], None], engine: Backend, folders: pytest.TempPathFactory
) -> OpenClub:
    def opened(frames: Mapping[str, pd.DataFrame]) -> ClubSource:
        folder = folders.mktemp("club")
        write(folder, dict(frames))
        return open_source(str(folder), engine, TIMEZONE)

    return opened


def execute(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def told(error: Exception) -> str:
    """All that a log gets of an error, its causes too."""
    return "".join(traceback.format_exception(error))


def rows(checked: Checked, table: str) -> list[tuple[object, ...]]:
    held = checked.clean[table].order_by(CONTRACT[table].key).to_pyarrow().to_pylist()
    return [tuple(row.values()) for row in held]


def column(checked: Checked, table: str, name: str) -> list[object]:
    return checked.clean[table].order_by(CONTRACT[table].key).to_pyarrow()[name].to_pylist()
