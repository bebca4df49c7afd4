"""Which campaigns a backtest replays, and what it says to what cannot be replayed. Nothing is trained here."""

from collections.abc import Callable
from datetime import date

import pytest

from ml.backtest_frames import promise_row
from ml.club import Club
from ml.errors import SettingsError
from resources.backtester import NIGHTS, Asked, BacktestPlan, days_to_replay
from resources.platform import Platform
from resources.settings import Settings
from tests.past_world import club_by_taste

KNOWN_BY = date(2024, 1, 1)


@pytest.fixture(scope="module")
def club() -> Club:
    """Fourteen campaigns, c0 on 2022-03-28 and then one each four weeks."""
    return club_by_taste(members=3, campaigns=14)[0]


def plan(
    first: date | None = None, last: date = KNOWN_BY, campaigns: tuple[str, ...] = (), quick: bool = False
) -> BacktestPlan:
    return BacktestPlan(KNOWN_BY, first, last, campaigns, quick=quick)


def replayed(club: Club, plan: BacktestPlan, progress: Callable[[str], None] = lambda _: None) -> dict[date, list[str]]:
    """The days, where the last two campaigns can still be answered."""
    return days_to_replay(club, plan, {f"c{c}": c < 12 for c in range(14)}, progress)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (Asked(first="soon"), "--from soon: not a date like 2017-08-08"),
        (Asked(first="2017-09-01", last="2017-08-01"), "--from 2017-09-01 is after --to 2017-08-01"),
        (Asked(keep=80), r"--keep 80: must be a share from 0.01 to 1; 0.9 is nine of ten"),
        (Asked(keep=-0.5), "--keep -0.5: must be a share"),
    ],
)
def test_what_was_typed_wrong_is_named(settings: Settings, asked: Asked, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        BacktestPlan.of(Platform(settings), "2018-01-01", asked)


def test_the_complete_journey_is_replayed_from_the_day_by_which_enough_had_closed(settings: Settings) -> None:
    assert BacktestPlan.of(Platform(settings), "2018-01-01", Asked()).first == date(2017, 8, 8)


def test_of_a_source_that_names_no_beginning_the_newest_first_days_are_replayed(club: Club) -> None:
    told: list[str] = []
    days = replayed(club, plan(), told.append)
    assert len(days) == NIGHTS == 12
    assert [name for names in days.values() for name in names] == [f"c{c}" for c in range(2, 14)]
    assert told == ["the newest 12 of 14 first days of campaigns; --from 2022-03-28 replays them all"]


def test_whoever_says_from_when_gets_them_all(club: Club) -> None:
    assert len(replayed(club, plan(first=date(2022, 3, 28)))) == 14


def test_named_campaigns_alone_are_replayed(club: Club) -> None:
    assert replayed(club, plan(campaigns=("c3", "c7"))) == {
        date(2022, 6, 20): ["c3"],
        date(2022, 10, 10): ["c7"],
    }


def test_a_quick_look_is_at_campaigns_whose_answers_are_all_in(club: Club) -> None:
    days = replayed(club, plan(first=date(2022, 3, 28), quick=True))
    assert [name for names in days.values() for name in names] == [f"c{c}" for c in range(12)]
    assert list(replayed(club, plan(campaigns=("c13",), quick=True)).values()) == [["c13"]]  # unless it is named


def test_a_campaign_that_there_is_not_is_named(club: Club) -> None:
    with pytest.raises(SettingsError, match="--campaigns: there is no campaign c99, winter"):
        replayed(club, plan(campaigns=("c3", "c99", "winter")))


def test_a_time_without_campaigns_is_answered_with_the_times_there_are(club: Club) -> None:
    with pytest.raises(
        SettingsError,
        match=r"no campaign begins from 2030-01-01 to 2030-02-01; the first days .* 2022-03-28 to 2023-03-27",
    ):
        replayed(club, plan(date(2030, 1, 1), date(2030, 2, 1)))


def test_what_was_asked_is_told_as_the_command_that_asks_it() -> None:
    assert Asked("2017-08-08", keep=0.8, quick=True).command == "hemsil backtest --from 2017-08-08 --keep 0.8 --quick"
    assert Asked(campaigns=("14", "17"), study=True).command == "hemsil backtest --campaigns 14,17 --study"


def test_the_promise_stands_among_the_figures() -> None:
    row = promise_row(0.8).iloc[0]
    assert (row.metric, row.value) == ("promised", 0.8)
