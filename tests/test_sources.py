"""Folders of CSV and of Parquet as sources, the choice of a source, and the night a source offers. What they have in common
with other sources is told in source_contract.py.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from ibis.backends.duckdb import Backend

from ml.club import Club, visible
from ml.errors import ContractError, SettingsError, SourceUnavailable
from ml.night import Night
from ml.quality import check_tables
from resources.sources import ClubSource, open_source
from tests.clubs import TIMEZONE, tiny_club, write_csv_club, write_parquet_club
from tests.conftest import NOW
from tests.source_contract import TODAY, ClubContract, OpenClub, column, told


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

    def test_a_table_is_found_in_whatever_letters_its_file_is_named(self, engine: Backend, tmp_path: Path) -> None:
        write_parquet_club(tmp_path, tiny_club())
        (tmp_path / "consents.parquet").rename(tmp_path / "Consents.PARQUET")
        assert "consents" in open_source(str(tmp_path), engine, TIMEZONE).tables()

    def test_one_table_in_two_files_is_refused(self, engine: Backend, tmp_path: Path) -> None:
        write_parquet_club(tmp_path, tiny_club())
        (tmp_path / "members.csv").write_text("member_id\n")
        with pytest.raises(ContractError, match=r"more than once: members\.csv and members\.parquet"):
            open_source(str(tmp_path), engine, TIMEZONE).tables()


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
    with pytest.raises(SettingsError, match=r"the source .* complete-journey, simulated, the path of a folder"):
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
