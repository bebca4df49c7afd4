"""The invented club as tables, as a source and as a command. What the tables tell of is in test_simulated_life.py."""

import hashlib
import io
from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from ibis.backends.duckdb import Backend
from rich.console import Console

from hemsil.simulate import write_club
from ml.errors import SettingsError
from ml.source_tables import SOURCE_TABLES
from resources.sources import ClubSource, Invented, open_source
from resources.sources.simulated import write_tables
from simulator.club import InventedClub
from simulator.draws import BLOCK
from simulator.plan import LAST_MONDAY
from tests.clubs import TIMEZONE
from tests.source_contract import SourceContract

SMALL = InventedClub(members=600, seed=7, weeks=16)


class TestSimulated(SourceContract):
    @pytest.fixture(scope="class")
    @classmethod
    def source(cls, engine: Backend, tmp_path_factory: pytest.TempPathFactory) -> ClubSource:
        return open_source("simulated", engine, TIMEZONE, Invented(SMALL, tmp_path_factory.mktemp("kept")))

    def test_it_records_every_table_of_the_contract(self, source: ClubSource) -> None:
        assert set(source.tables()) == {table.name for table in SOURCE_TABLES}

    def test_it_says_that_it_is_invented(self, source: ClubSource) -> None:
        assert "invented" in source.note


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written") / "club"
    write_tables(SMALL, folder)
    return folder


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(written: Path, tmp_path: Path) -> None:
    write_tables(SMALL, tmp_path / "again")
    write_tables(InventedClub(members=600, seed=8, weeks=16), tmp_path / "other")
    again, other = digests(tmp_path / "again"), digests(tmp_path / "other")
    assert again == digests(written)
    assert {name for name in again if again[name] == other[name]} == {"products.parquet", "stores.parquet"}


def test_a_club_of_more_members_begins_with_those_of_a_smaller_one(written: Path, tmp_path: Path) -> None:
    write_tables(InventedClub(members=BLOCK + 50, seed=7, weeks=16), tmp_path / "large")
    for table in ("members", "consents", "transactions", "mailings", "responses", "feedback"):
        small = duckdb.sql(f"from '{written / table}.parquet'")
        both = duckdb.sql(f"from '{tmp_path / 'large' / table}.parquet'")
        assert both.filter("member_id < 'm00000600'").except_(small).fetchall() == []
        assert small.except_(both).fetchall() == []
    assert duckdb.sql(f"select count(*) from '{tmp_path / 'large' / 'members.parquet'}'").fetchall() == [(BLOCK + 50,)]


@pytest.mark.parametrize(
    ("table", "column"),
    [("transactions", "occurred_at"), ("mailings", "sent_at"), ("responses", "occurred_at"), ("consents", "recorded_at"),
     ("preferences", "recorded_at"), ("declared_facts", "declared_at"), ("feedback", "recorded_at"), ("cases", "opened_at")],
)  # fmt: skip
def test_nothing_has_happened_yet_on_the_last_monday(written: Path, table: str, column: str) -> None:
    newest = duckdb.sql(f"select max({column}) from '{written / table}.parquet'").fetchall()[0][0]
    midnight_in_oslo = datetime(LAST_MONDAY.year, LAST_MONDAY.month, LAST_MONDAY.day - 1, 23)
    assert newest < midnight_in_oslo


def test_a_line_costs_its_list_price_less_its_discount(written: Path) -> None:
    wrong = duckdb.sql(f"""
        select count(*), count(*) filter (abs(quantity * list_price - discount - amount) > 0.005),
               count(*) filter (coupon_discount > discount)
        from '{written / "transactions"}.parquet' join '{written / "products"}.parquet' using (product_id) where quantity > 0""")
    lines, mispriced, too_much = wrong.fetchall()[0]
    assert (lines > 10_000, mispriced, too_much) == (True, 0, 0)


def test_simulate_writes_tables_and_truth_apart_and_nothing_over_them(written: Path, tmp_path: Path) -> None:
    said = Console(file=io.StringIO(), width=200)
    write_club(SMALL, tmp_path / "out", said)
    assert digests(tmp_path / "out" / "tables") == digests(written)
    truth = duckdb.sql(f"from '{tmp_path / 'out' / 'truth' / 'answer_chances.parquet'}'")
    assert truth.filter("not (0 <= unsent and unsent <= sent and sent <= 1)").fetchall() == []
    planned = duckdb.sql(
        f"from '{written / 'audiences'}.parquet' join '{written / 'offers'}.parquet' using (campaign_id)"
    )
    joined = planned.join(duckdb.sql(f"from '{written / 'members'}.parquet'"), "member_id").filter(
        "joined_on <= date '2023-11-20'"
    )
    late = joined.aggregate("count(*)").fetchall()[0][0] - truth.aggregate("count(*)").fetchall()[0][0]
    assert (
        0 <= late < 0.1 * len(truth)
    )  # of those who joined later, the club had planned, but nothing was there to be true
    with pytest.raises(SettingsError, match=r"--to .*out: it has tables and truth already"):
        write_club(SMALL, tmp_path / "out", said)
    assert "600 members, 16 weeks" in said.file.getvalue()


def test_an_invention_that_breaks_off_leaves_no_folder_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"--to .*file: it cannot be written"):
        write_club(SMALL, tmp_path / "file", Console(file=io.StringIO()))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
