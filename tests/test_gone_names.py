"""A group of products that is renamed, while members' refusals go by its old name."""

from datetime import datetime
from pathlib import Path

from ibis.backends.duckdb import Backend

from ml.club import Club, visible
from ml.gone_names import gone_ids, gone_names
from ml.night import Night
from ml.quality import check_tables
from resources.sources.folder import FolderSource
from tests.checked_clubs import check, required_club
from tests.clubs import write_csv_club
from tests.small_club import BUSINESS_DATE, small_club


def gone(folder: Path, engine: Backend, renamed: dict[str, str]) -> list[str]:
    frames = small_club()
    frames["products"]["category"] = frames["products"].category.replace(renamed)
    write_csv_club(folder, frames)
    clean = check_tables(FolderSource(folder, engine, "Europe/Oslo").tables(), datetime(2024, 3, 16)).clean
    return gone_names(visible(Club.of(clean), Night(BUSINESS_DATE, "Europe/Oslo")))


def test_a_refused_category_by_another_name_is_named(tmp_path: Path, engine: Backend) -> None:
    assert gone(tmp_path, engine, {"FISHING": "FISKE"}) == ["category FISHING"]


def test_names_that_products_have_and_those_nobody_refused_are_not(tmp_path: Path, engine: Backend) -> None:
    assert gone(tmp_path, engine, {}) == []
    assert gone(tmp_path, engine, {"KITCHEN": "HOME"}) == []


def test_a_club_that_records_no_feedback_has_none(tmp_path: Path, engine: Backend) -> None:
    clean = check(required_club(), engine, tmp_path).clean
    assert gone_names(visible(Club.of(clean), Night(BUSINESS_DATE, "Europe/Oslo"))) == []


def test_refused_names_meet_products_without_regard_to_letter_case_and_blanks(tmp_path: Path, engine: Backend) -> None:
    assert gone(tmp_path, engine, {"FISHING": " Fishing"}) == []


def test_refused_products_and_offers_that_are_not_there_are_counted(tmp_path: Path, engine: Backend) -> None:
    frames = small_club()
    said = frames["feedback"].iloc[[0, 0, 0, 0]].assign(
        feedback_id=["n1", "n2", "n3", "n4"], scope=["product", "product", "offer", "product"], verdict="not_for_me",
        scope_id=["nosuch", "nosuch", "nosuch", " " + frames["products"].product_id[0]],
    )  # fmt: skip
    frames["feedback"] = said
    write_csv_club(tmp_path, frames)
    clean = check_tables(FolderSource(tmp_path, engine, "Europe/Oslo").tables(), datetime(2024, 3, 16)).clean
    club = Club.of(clean)
    assert gone_ids(visible(club, Night(BUSINESS_DATE, "Europe/Oslo")), club) == {"offer": 1, "product": 2}
