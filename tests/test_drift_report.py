"""The drift report as Evidently makes it: real runs, on frames small enough to be quick."""

import json
import re
import shutil
import stat
import subprocess
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from ml.drift import DriftLimits
from ml.drift_tables import DRIFT
from ml.errors import InputError
from resources.drift_report import DriftResult, report_name, run_drift
from resources.engine import open_engine
from resources.lake import Lake
from resources.settings import Settings

ROWS = 1_000
TITLE = "Features against the training snapshot"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def population(seed: int, rows: int = ROWS) -> pd.DataFrame:
    """Members as a club might have them; two seeds are two samples of one population."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "spend": rng.gamma(2, 50, rows),
            "baskets": rng.poisson(4, rows),
            "relevance": rng.normal(0.01, 1e-5, rows),
            "store": rng.choice(["large", "small", "online"], rows, p=[0.6, 0.3, 0.1]),
        }
    )


def report(folder: Path, current: pd.DataFrame, reference: pd.DataFrame, **more: object) -> DriftResult:
    columns = [*dict.fromkeys([*current, *reference])]
    categorical = [c for c in columns if c in ("store", "note")]
    arguments: dict = {
        "limits": DriftLimits(),
        "important": [],
        "title": TITLE,
        "folder": folder / "2017-10-30",
        "seed": 1,
    }
    return run_drift(
        current, reference, [c for c in columns if c not in categorical], categorical, **(arguments | more)
    )


def row(result: DriftResult, column: str) -> pd.Series:
    return result.table.set_index("column_name").loc[column]


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> DriftResult:
    """Two samples of one population."""
    return report(tmp_path_factory.mktemp("clean"), population(1), population(2))


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> DriftResult:
    """A night with one fault of every kind, each in a column of its own."""
    night, reference = population(1), population(2)
    for name, of_night, of_reference in (
        ("missing", np.nan, 1.0),
        ("constant", 1.0, 1.0),
        ("text", "text", 1.0),
        ("too_large", 1e200, 1e200),
        ("too_close", 1e16, 1e16),  # two values so close at their size that Evidently cannot draw ten bars between them
    ):
        night[name], reference[name] = of_night, of_reference
    for name, other in (("too_large", -1e200), ("too_close", 1e16 + 2)):
        night.loc[::2, name] = reference.loc[::2, name] = other
    night["infinite"] = reference["infinite"] = reference.spend
    night.loc[0, "infinite"] = np.inf
    night["half_missing"], reference["half_missing"] = reference.spend.where(reference.index % 2 == 0), reference.spend
    night["moved"], reference["moved"] = reference.spend * 10, reference.spend
    night["note"], reference["note"] = "</script><script>alert(1)</script>", "plain"
    night["new"] = 1.0
    reference["gone"] = 1.0
    return report(tmp_path_factory.mktemp("broken"), night, reference)


def test_two_samples_of_one_population_pass(clean: DriftResult) -> None:
    assert clean.judgement.reason == "4 of 4 columns pass"
    assert clean.share_drifted == 0
    assert clean.failed == ()
    assert set(clean.table.method) == {"wasserstein", "jensenshannon"}


def test_the_distances_are_the_named_ones(clean: DriftResult) -> None:
    from scipy.stats import wasserstein_distance

    night, reference = population(1), population(2)
    expected = wasserstein_distance(reference.spend, night.spend) / reference.spend.std(ddof=0)
    assert row(clean, "spend").value == pytest.approx(expected)


def test_a_small_number_has_its_true_distance(tmp_path: Path) -> None:
    """Evidently divides by 0.001 where the standard deviation is below it: 1e-5 off by 1e-5 would be 0.01."""
    before = population(1)[["relevance"]]
    result = report(tmp_path, before + 1e-5, before)
    assert row(result, "relevance").value == pytest.approx(1e-5 / before.relevance.std(ddof=0))


@pytest.mark.parametrize(
    ("column", "verdict", "words"),
    [
        ("spend", "pass", "distance"),
        ("constant", "pass", "every value is the one that the reference has"),
        ("missing", "fail", "no row has a usable value tonight (1,000 missing, 0 infinite)"),
        ("text", "fail", "tonight it holds str values where numbers are expected"),
        ("too_large", "fail", "its numbers are too large to have a standard deviation"),
        ("too_close", "fail", "its distance could not be measured: ValueError: Too many bins"),
        ("infinite", "fail", "1 of 1,000 rows are infinite"),
        ("half_missing", "warn", "50.0% of the rows have no value, 0.0% in the reference"),
        ("moved", "fail", "distance"),
        ("note", "fail", "100.0% of the values are ones the reference does not have (1 different)"),
        ("new", "fail", "the column is new: the reference does not have it"),
        ("gone", "fail", "the column is missing tonight"),
    ],
)
def test_every_fault_has_its_own_verdict_and_none_hides_another(
    broken: DriftResult, column: str, verdict: str, words: str
) -> None:
    found = row(broken, column)
    assert found.verdict == verdict
    assert words in found.reason


def test_shares_stand_beside_the_distance(broken: DriftResult) -> None:
    half = row(broken, "half_missing")
    assert (half.null_share_current, half.null_share_reference) == (0.5, 0)
    assert row(broken, "infinite").inf_share_current == 1 / 1_000
    note = row(broken, "note")
    assert (note.new_categories, note.new_category_share) == (1, 1.0)


def test_the_table_fits_its_definition_in_a_real_lake(broken: DriftResult, settings: Settings) -> None:
    lake = Lake(settings.lake, open_engine(settings))
    lake.write(DRIFT, "2017-10-30", ibis.memtable(broken.table, schema=DRIFT.schema))
    back = lake.read(DRIFT, "2017-10-30").to_pandas().set_index("column_name")
    assert len(back) == len(broken.table)
    assert pd.isna(back.loc["missing", "value"])
    assert back.loc["half_missing", "null_share_current"] == 0.5


def test_the_same_seed_gives_the_same_verdicts_also_of_a_sample(tmp_path: Path) -> None:
    many = population(1, rows=25_000)[["spend"]]
    first, second = (report(tmp_path / str(i), many * 1.01, many) for i in range(2))
    pd.testing.assert_frame_equal(first.table, second.table)
    assert row(first, "spend").rows_current == 25_000


@pytest.mark.parametrize("rows", [0, 1, 30])
def test_a_small_night_is_told_by_its_count_and_never_passes(tmp_path: Path, rows: int) -> None:
    result = report(tmp_path, population(1, rows), population(2))
    assert set(result.table.verdict) == ({"warn"} if rows else {"fail"})
    reason = result.table.reason.iloc[0]
    assert (f"{rows} with a value, 100 are needed" if rows else "there are no rows tonight") in reason
    assert "pass" not in result.judgement.verdict
    assert result.html.stat().st_size > 1_000_000


def test_columns_that_tell_members_apart_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="member_id must be dropped first"):
        report(tmp_path, population(1).assign(member_id="m1"), population(2))
    assert not list(tmp_path.iterdir())


def test_an_identifier_by_another_name_is_not_shown(tmp_path: Path) -> None:
    names = [f"canary-{i:04}" for i in range(ROWS)]
    result = report(tmp_path, population(1).assign(note=names), population(2).assign(note=names))
    assert "canary" not in result.html.read_text()
    assert "canary" not in result.summary.read_text()


def test_no_bar_stands_for_less_than_20_rows(clean: DriftResult) -> None:
    bars = json_after(clean.html.read_text(), "additional_graphs_")
    cells = [
        count
        for graph in bars.values()
        for trace in graph["params"]["data"][::2]  # counts; every other trace is the same in percent
        for count in trace["y"]
    ]
    assert len(cells) > 10
    assert [count for count in cells if 0 < count < 20] == []


def test_the_largest_value_is_not_where_an_axis_ends(clean: DriftResult) -> None:
    page = clean.html.read_text()
    largest = max(population(1).spend.max(), population(2).spend.max())
    edges = [x for graph in json_after(page, "additional_graphs_").values() for x in graph["params"]["data"][0]["x"]]
    assert largest not in edges
    assert f"{largest:.6f}" not in page


def json_after(page: str, name: str) -> dict:
    start = re.search(rf"var {name}\w+ = ", page)
    assert start is not None
    return json.JSONDecoder().raw_decode(page, start.end())[0]


def test_words_of_the_club_cannot_end_the_pages_script(broken: DriftResult) -> None:
    assert "<script>alert" not in broken.html.read_text()


def test_the_page_forbids_itself_every_request(clean: DriftResult) -> None:
    page = clean.html.read_text()
    assert "default-src 'none'" in page[:2_000]
    assert re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']?(?:https?:)?//", page) == []
    assert "<title>Features against the training snapshot</title>" in page


def test_the_files_are_for_their_owner_only_and_nothing_is_left_beside_them(clean: DriftResult) -> None:
    folder = clean.html.parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert sorted(p.name for p in folder.iterdir()) == [
        f"features-against-the-training-snapshot.{e}" for e in ("html", "json")
    ]
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o600}


def test_the_summary_says_what_the_table_says(broken: DriftResult) -> None:
    summary = json.loads(broken.summary.read_text())
    assert (summary["title"], summary["verdict"]) == (TITLE, "fail")
    assert [c["verdict"] for c in summary["columns"]] == list(broken.table.verdict)
    assert next(c for c in summary["columns"] if c["column_name"] == "missing")["value"] is None


def test_a_title_is_a_file_name_without_surprises() -> None:
    assert report_name("../Scores (28 nights)") == "scores-28-nights"
    with pytest.raises(InputError):
        report_name("../")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_chromium_draws_the_page(broken: DriftResult, tmp_path: Path) -> None:
    command = [
        str(CHROMIUM), "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}",
        "--virtual-time-budget=8000", "--dump-dom", broken.html.as_uri(),
    ]  # fmt: skip
    drawn = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert "1 of 1,000 rows are infinite" in re.sub(r"<script>.*?</script>", "", drawn, flags=re.DOTALL)
