"""What drift says of a club to which something happens: prices in another unit, a kind of campaign by another name, a feature that is
mostly gone, and a busy season. Tonight's rows of the disturbed club are compared with those of the same club undisturbed.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from ibis.backends.duckdb import Backend

from ml.club import Club, visible
from ml.drift import DriftLimits
from ml.examples import mailing_rows, night_asks
from ml.feature_dictionary import CATEGORICAL
from ml.features import feature_tables
from ml.night import Night
from ml.quality import check_tables
from resources.drift_report import run_drift
from resources.drift_watch import WATCHED
from resources.sources.folder import FolderSource
from tests.clubs import write_csv_club
from tests.small_club import BUSINESS_DATE, RUNNING, small_club

pytestmark = pytest.mark.slow
Frames = dict[str, pd.DataFrame]
LATELY = datetime.combine(BUSINESS_DATE, datetime.min.time()) - timedelta(days=28)


def rows_of(frames: Frames, folder: Path, engine: Backend) -> pd.DataFrame:
    """The rows that a model would score tonight."""
    write_csv_club(folder, frames)
    tables = FolderSource(folder, engine, "Europe/Oslo").tables()
    night = Night(BUSINESS_DATE, "Europe/Oslo")
    club = visible(Club.of(check_tables(tables, datetime(2024, 3, 16)).clean), night)
    asks = night_asks(club, night)
    rows: pd.DataFrame = mailing_rows(club, asks, feature_tables(club, asks)).to_pyarrow().select(WATCHED).to_pandas()
    return rows


def undisturbed() -> Frames:
    frames = small_club()
    frames["campaigns"]["kind"] = "club"
    return frames


def lately(frames: Frames) -> pd.Series:
    return frames["transactions"].occurred_at.map(lambda at: at >= LATELY)


def prices_in_oere(frames: Frames) -> None:
    """A new till writes a tenth of the unit from some day on."""
    sold = frames["transactions"]
    sold["amount"] = sold.amount.where(~lately(frames), sold.amount * 10)


def another_name(frames: Frames) -> None:
    campaigns = frames["campaigns"]
    campaigns["kind"] = campaigns.kind.where(~campaigns.campaign_id.isin(RUNNING), "KLUBB")


def category_renamed_throughout(frames: Frames) -> None:
    """The same category by another name, in the whole assortment: nobody's habits are others for that."""
    frames["products"]["category"] = frames["products"].category.replace("FISHING", "FISKE")


def busy_season(frames: Frames) -> None:
    """15 of 100 lines of the last four weeks are bought twice."""
    sold = frames["transactions"]
    more = sold[lately(frames)].sample(frac=0.15, random_state=1)
    more = more.assign(transaction_id=more.transaction_id + "again")
    frames["transactions"] = pd.concat([sold, more], ignore_index=True)


@pytest.fixture(scope="module")
def usual(engine: Backend, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return rows_of(undisturbed(), tmp_path_factory.mktemp("usual"), engine)


def verdicts(
    current: pd.DataFrame, usual: pd.DataFrame, folder: Path, important: tuple[str, ...] = ()
) -> Mapping[str, tuple[str, str]]:
    """column -> (verdict, reason) of those that do not pass."""
    numeric = [name for name in WATCHED if name not in CATEGORICAL]
    categorical = [name for name in WATCHED if name in CATEGORICAL]
    found = run_drift(
        current, usual, numeric, categorical,
        limits=DriftLimits(), important=important, title="Disturbed", folder=folder, seed=1,
    )  # fmt: skip
    told = found.table[found.table.verdict != "pass"].set_index("column_name")
    return {str(name): (row.verdict, row.reason) for name, row in told.iterrows()}


def disturbed(
    change: Callable[[Frames], None], usual: pd.DataFrame, folder: Path, engine: Backend
) -> Mapping[str, tuple[str, str]]:
    """What is told beyond what is told of the club as it is (columns that nobody has a value of, say)."""
    frames = undisturbed()
    change(frames)
    before = verdicts(usual, usual, folder / "before")
    after = verdicts(rows_of(frames, folder / "club", engine), usual, folder / "after")
    return {name: said for name, said in after.items() if before.get(name) != said}


def test_prices_times_ten_are_told_in_what_members_spend(usual: pd.DataFrame, tmp_path: Path, engine: Backend) -> None:
    told = disturbed(prices_in_oere, usual, tmp_path, engine)
    spend = {name: said for name, said in told.items() if "spend" in name}
    assert spend
    assert "fail" in {verdict for verdict, _ in told.values()}
    assert not [name for name in told if name.startswith("baskets")]


def test_another_name_of_a_kind_of_campaign_is_told_as_new(
    usual: pd.DataFrame, tmp_path: Path, engine: Backend
) -> None:
    told = disturbed(another_name, usual, tmp_path, engine)
    verdict, reason = told["campaign_kind"]
    assert verdict == "fail"
    assert "100.0% of the values are ones the reference does not have" in reason


def test_a_category_by_another_name_in_the_whole_assortment_is_no_drift(
    usual: pd.DataFrame, tmp_path: Path, engine: Backend
) -> None:
    assert disturbed(category_renamed_throughout, usual, tmp_path, engine) == {}


@pytest.mark.parametrize(("important", "verdict"), [((), "fail"), (("days_since_basket",), "fail")])
def test_a_feature_that_is_mostly_gone_is_told_with_its_share(
    usual: pd.DataFrame, tmp_path: Path, important: tuple[str, ...], verdict: str
) -> None:
    """60 of 100 rows are six times the limit of 10 points: far enough for a column of any weight."""
    current = usual.copy()
    gone = current.sample(frac=0.6, random_state=1).index
    current.loc[gone, "days_since_basket"] = None
    told = verdicts(current, usual, tmp_path, important)["days_since_basket"]
    assert told[0] == verdict
    assert "60.0% of the rows have no value, 0.0% in the reference" in told[1]


def test_a_busy_season_fails_nothing(usual: pd.DataFrame, tmp_path: Path, engine: Backend) -> None:
    told = disturbed(busy_season, usual, tmp_path, engine)
    assert {name for name, (verdict, _) in told.items() if verdict == "fail"} == set()
