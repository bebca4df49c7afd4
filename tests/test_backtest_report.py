"""The backtest's report: made of its figures alone, and showing none of so few members that one of them might be seen."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from ml.backtest import Replay
from ml.backtest_frames import Campaign, metrics_frame
from ml.backtest_parts import LINEAR, TREES
from ml.backtest_report import sections
from ml.backtest_saved import saved_figures
from ml.backtest_study import ALONE, EVERYTHING, ONE_STAGE, WHOLE_PAST, WITHOUT
from ml.backtest_told import Section, Told, less_empty, number
from tests.test_backtest_frames import NIGHT

CAMPAIGNS = {"big": Campaign("sheet", 2, closed=True), "small": Campaign("sheet", 2, closed=False)}


def replayed() -> Replay:
    """A hundred members were mailed in a big campaign, and twelve of them in a small one; every third answered."""
    who = [*((f"m{k:03}", "big") for k in range(100)), *((f"m{k:03}", "small") for k in range(12))]
    mailings = pd.DataFrame(who, columns=["member_id", "campaign_id"]).assign(as_of=NIGHT.as_of)
    mailings["answered"] = (np.arange(len(who)) % 3 == 0).astype(float)
    right, wrong = 0.2 + 0.6 * mailings.answered, 0.8 - 0.6 * mailings.answered
    mailings = mailings.assign(relevance_low=0.1, model=right, popularity=0.5)
    mailings = mailings.assign(**{TREES: right, LINEAR: wrong, EVERYTHING: right, ONE_STAGE: wrong, WHOLE_PAST: right})
    mailings = mailings.assign(**{f"{WITHOUT}spend": wrong, f"{ALONE}spend": right, "past: 50 %": wrong})
    offers = mailings.drop(columns="relevance_low").loc[mailings.index.repeat(2)].reset_index(drop=True)
    offers["offer_id"] = ["x", "y"] * len(who)
    offers.loc[offers.offer_id == "y", "answered"] = 0.0
    model = SimpleNamespace(threshold=0.5, to_files=dict)
    return Replay(NIGHT, cast(Any, SimpleNamespace(model=model)), mailings, offers)


@pytest.fixture(scope="module")
def metrics() -> pd.DataFrame:
    return metrics_frame([replayed()], CAMPAIGNS, draws=8)


def titled(metrics: pd.DataFrame, title: str) -> Section:
    return next(part for part in sections(Told(metrics, "a folder")) if part.title == title)


def test_a_campaign_of_few_members_shows_no_number_of_them(metrics: pd.DataFrame) -> None:
    shown = titled(metrics, "Campaigns replayed").tables[0].to_numpy().tolist()
    assert shown == [["big", "100", "34", "over"], ["small", "fewer than 20", "fewer than 20", "not over in the data"]]


def test_no_table_or_plot_is_of_fewer_than_twenty_mailings(metrics: pd.DataFrame) -> None:
    assert "campaign small" not in titled(metrics, "The threshold's truth").tables[0].to_string()
    titles = [part.title for part in sections(Told(metrics, "a folder"))]
    assert "Calibration, and how sure it is" not in titles  # tenths of a hundred are ten


def test_a_part_is_told_with_what_the_rest_adds(metrics: pd.DataFrame) -> None:
    mailings = titled(metrics, "What each part earns").tables[0].set_index("mailings, closed")
    assert mailings["AUC the rest adds"]["trees alone"].startswith("+0.000")
    assert mailings["AUC the rest adds"]["linear partners alone"].startswith("+1.000")  # they say the opposite


def test_a_family_is_told_by_what_is_lost_without_it_and_by_what_it_says_alone(metrics: pd.DataFrame) -> None:
    row = titled(metrics, "What each family of features earns").tables[0].iloc[0]
    assert row.family == "spend"
    assert row["AUC lost without it (mailings)"].startswith("+1.000")
    assert row["AUC of it alone (mailings)"].startswith("1.000")


def test_half_of_the_past_is_compared_with_all_of_it(metrics: pd.DataFrame) -> None:
    table = titled(metrics, "What more of the past would earn").tables[0].set_index("members learned from")
    assert table["lost to all"]["50 %"].startswith("+1.000")
    assert table["lost to all"]["100 %"] == ""


def test_the_saved_figures_make_the_same_report(metrics: pd.DataFrame) -> None:
    whole, saved = (sections(Told(figures, "a folder")) for figures in (metrics, saved_figures(metrics)))
    assert [part.title for part in whole] == [part.title for part in saved]
    for one, other in zip(whole, saved, strict=True):
        assert one.text == other.text
        for table, again in zip(one.tables, other.tables, strict=True):
            pd.testing.assert_frame_equal(table, again)


def test_columns_in_which_nothing_stands_are_left_out() -> None:
    assert list(less_empty(pd.DataFrame({"a": ["", "x"], "b": ["", ""]}))) == ["a"]


def test_a_figure_that_could_not_be_measured_is_an_empty_cell() -> None:
    assert number(float("nan"), 0.1, 0.2) == ""
    assert number(0.12345, 0.1, 0.2) == "0.123 [0.100, 0.200]"
