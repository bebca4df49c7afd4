"""Drift verdicts: what is said of a column, on frames small enough to count by eye."""

import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from ml.drift import ColumnVerdict, DriftLimits, judge, judge_all, threshold
from ml.drift_profile import ColumnProfile, Side, labels, numbers, profile
from ml.errors import InputError

FEW = DriftLimits(least_rows=1)  # so that five rows are enough to judge by


def one(current: list[object], reference: list[object], kind: str = "numeric") -> ColumnProfile:
    columns = ([], ["x"]) if kind == "categorical" else (["x"], [])
    return profile(pd.DataFrame({"x": current}), pd.DataFrame({"x": reference}), *columns)[0]


def verdict(
    p: ColumnProfile, distance: float | Exception | None = 0.0, limits: DriftLimits = FEW, **more: list[str]
) -> ColumnVerdict:
    found = {} if distance is None else {p.column: distance}
    return judge([p], found, limits, **more)[0]


def many(current: Side, reference: Side | None = None) -> ColumnProfile:
    return ColumnProfile("x", "numeric", current, reference or Side(10_000))


# --- what is counted


def test_missing_and_infinite_values_are_counted_apart() -> None:
    p = one([1.0, None, math.inf, -math.inf, 2.0], [1.0, 2.0, 3.0, 4.0, None])
    assert (p.current.null_share, p.current.infinite_share, p.current.known) == (1 / 5, 2 / 5, 2)
    assert (p.reference.null_share, p.reference.infinite_share) == (1 / 5, 0)


def test_a_new_category_is_counted_among_the_known_values() -> None:
    p = one(["a", "b", "b", None], ["a", "a", "c"], "categorical")
    assert (p.new_categories, p.new_share) == (1, 2 / 3)


def test_a_renamed_category_is_new() -> None:
    assert one(["LARGE"] * 5, ["large"] * 5, "categorical").new_share == 1


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([1, None], dtype="Int64"),
        pd.Series([Decimal(1), None]),
        pd.Series([True, None]),
        pd.Series([1.0, np.nan]),
    ],
)
def test_numbers_of_any_type_are_read_as_numbers(values: pd.Series) -> None:
    read = numbers(values)
    assert read[0] == 1
    assert np.isnan(read[1])


def test_a_column_that_is_missing_everywhere_has_a_type_of_no_matter() -> None:
    assert np.isnan(numbers(pd.Series([None, None]))).all()


def test_text_is_not_read_as_numbers() -> None:
    with pytest.raises(InputError, match="where numbers are expected"):
        numbers(pd.Series(["12", "13"]))


def test_a_whole_number_is_the_same_category_with_and_without_missing_values_beside_it() -> None:
    assert labels(pd.Series([3, 4])).tolist() == ["3", "4"]
    assert labels(pd.Series([3, None])).tolist() == ["3", None]
    assert labels(pd.Series([True, False])).tolist() == ["True", "False"]


def test_a_column_nobody_has_is_a_slip_of_the_caller() -> None:
    frame = pd.DataFrame({"x": [1.0]})
    with pytest.raises(InputError, match="y is in neither frame; x is named twice"):
        profile(frame, frame, ["x", "y"], ["x"])


# --- what is said


def test_a_column_like_the_reference_passes_with_its_distance_in_words() -> None:
    found = verdict(many(Side(10_000)), 0.03)
    assert (found.verdict, found.reason) == ("pass", "distance 0.03, at most 0.2")


@pytest.mark.parametrize(
    ("distance", "important", "expected"),
    [(0.19, True, "pass"), (0.21, False, "warn"), (0.21, True, "fail"), (1.01, False, "fail")],
)
def test_beyond_the_limit_an_important_column_fails_and_far_beyond_it_any_does(
    distance: float, important: bool, expected: str
) -> None:
    found = verdict(many(Side(10_000)), distance, DriftLimits(), important=["x"] if important else [])
    assert found.verdict == expected


@pytest.mark.promise("F11")
@pytest.mark.parametrize(
    ("missing", "expected"), [(900, "pass"), (3_000, "warn"), (6_000, "fail"), (8_000, "fail"), (10_000, "fail")]
)
def test_missing_values_are_weighed_as_no_distance_sees_them(missing: int, expected: str) -> None:
    assert verdict(many(Side(10_000, nulls=missing)), 0.0, DriftLimits()).verdict == expected


def test_fewer_missing_values_than_in_training_are_a_change_too() -> None:
    found = verdict(many(Side(10_000), Side(10_000, nulls=3_000)))
    assert (found.verdict, found.reason) == ("warn", "0.0% of the rows have no value, 30.0% in the reference")


def test_one_infinite_value_fails() -> None:
    found = verdict(many(Side(10_000, infinite=1)))
    assert (found.verdict, found.reason) == ("fail", "1 of 10,000 rows are infinite")


@pytest.mark.parametrize("error", [ValueError("An empty column"), InputError("too large")])
def test_an_exception_is_a_failure_in_words(error: Exception) -> None:
    found = verdict(one([1, 2, 3], [1, 2, 4]), error)
    assert found.verdict == "fail"
    assert str(error) in found.reason
    assert found.value is None


@pytest.mark.parametrize("distance", [None, math.nan, math.inf])
def test_a_distance_that_is_not_there_is_a_failure(distance: float | None) -> None:
    assert verdict(one([1, 2, 3], [1, 2, 4]), distance).verdict == "fail"


@pytest.mark.parametrize(
    ("current", "reference", "words"),
    [
        ({"x": []}, {"x": [1.0]}, "there are no rows tonight"),
        ({"x": [1.0]}, {"x": []}, "the reference has no rows"),
        ({"x": [None, math.inf]}, {"x": [1.0, 2.0]}, r"no row has a usable value tonight \(1 missing, 1 infinite\)"),
        ({"x": [1.0]}, {"x": [None]}, "no row of the reference has a usable value"),
        ({"y": [1.0]}, {"x": [1.0]}, "the column is missing tonight"),
        ({"x": [1.0]}, {"y": [1.0]}, "the column is new"),
        ({"x": ["many"]}, {"x": [1.0]}, "tonight it holds str values where numbers are expected"),
    ],
)
def test_what_cannot_be_compared_fails_and_says_why(
    current: dict[str, list[object]], reference: dict[str, list[object]], words: str
) -> None:
    p = profile(pd.DataFrame(current), pd.DataFrame(reference), ["x"], [])[0]
    found = verdict(p, None)
    assert found.verdict == "fail"
    assert pd.Series([found.reason]).str.fullmatch(f".*{words}.*").all()


def test_a_column_missing_everywhere_on_both_sides_is_told_and_no_failure() -> None:
    found = verdict(one([None, None], [None, None, None]), None)
    assert (found.verdict, found.reason) == (
        "warn",
        "no row has a value, tonight as in the reference: it tells nothing",
    )


def test_a_constant_column_needs_no_distance() -> None:
    same = verdict(one([7, 7, 7], [7, 7]), None)
    assert (same.verdict, same.reason) == ("pass", "every value is the one that the reference has")
    other = verdict(one([7, 8, 9], [7, 7]), None)
    assert (other.verdict, other.reason) == (
        "fail",
        "66.7% of the values are ones the reference does not have (2 different)",
    )


def test_too_few_rows_are_never_a_pass_in_silence() -> None:
    found = verdict(one([1, 2, 3], [1, 2, 4]), 0.0, DriftLimits())
    assert (found.verdict, found.reason) == ("warn", "too few rows to judge by: 3 with a value, 100 are needed")
    assert verdict(one([7, 7], [7, 7]), None, DriftLimits()).verdict == "warn"


def test_too_few_rows_do_not_hide_what_can_be_seen() -> None:
    assert verdict(one([1, math.inf], [1, 2, 4]), 0.0, DriftLimits()).verdict == "fail"


def test_a_column_of_rare_categories_only_is_no_pass() -> None:
    names = [f"p{i}" for i in range(200)]
    found = verdict(one(names, names, "categorical"), 0.0, DriftLimits())
    assert (found.verdict, found.reason) == (
        "warn",
        "no category has 20 rows, so new ones are noticed and nothing else",
    )


# --- chance


def test_with_few_rows_the_limit_is_what_chance_gives() -> None:
    assert threshold(many(Side(100), Side(100)), DriftLimits()) == pytest.approx(3 * math.sqrt(1 / 100 + 1 / 100))
    assert threshold(many(Side(20_000), Side(20_000)), DriftLimits()) == 0.2
    assert threshold(many(Side(10**9), Side(10**9)), DriftLimits(max_numeric_distance=0.01)) == pytest.approx(0.03)


@pytest.mark.parametrize("rows", [100, 1_000])
def test_of_two_samples_of_one_population_less_than_one_in_100_is_beyond(rows: int) -> None:
    rng = np.random.default_rng(7)
    by_chance = DriftLimits(max_numeric_distance=0.001, max_category_distance=0.001)
    numeric = threshold(many(Side(rows), Side(5_000)), by_chance)
    categorical = threshold(ColumnProfile("x", "categorical", Side(rows), Side(5_000), categories=4), by_chance)
    beyond = [0, 0]
    for _ in range(400):
        then, now = rng.exponential(size=5_000), rng.exponential(size=rows)
        beyond[0] += wasserstein_distance(now, then) / then.std() > numeric
        then, now = (rng.multinomial(n, [0.5, 0.3, 0.15, 0.05]) / n for n in (5_000, rows))
        beyond[1] += jensenshannon(now, then) > categorical
    assert max(beyond) <= 4


# --- all columns together


def test_one_column_in_six_that_moved_by_ten_deviations_fails_the_night() -> None:
    profiles = [ColumnProfile(f"c{i}", "numeric", Side(1_000), Side(1_000)) for i in range(6)]
    verdicts = judge(profiles, {f"c{i}": 10.0 if i == 3 else 0.01 for i in range(6)}, DriftLimits())
    together = judge_all(verdicts, DriftLimits())
    assert together.verdict == "fail"
    assert together.reason == "1 of 6 columns fail (c3)"
    assert together.share_drifted == 1 / 6


def test_many_small_drifts_fail_the_night_together() -> None:
    profiles = [ColumnProfile(f"c{i}", "numeric", Side(1_000), Side(1_000)) for i in range(4)]
    together = judge_all(
        judge(profiles, {f"c{i}": 0.3 if i < 2 else 0.0 for i in range(4)}, DriftLimits()), DriftLimits()
    )
    assert together.verdict == "fail"
    assert together.reason == "50% of the columns drifted, at most 30% may; 2 of 4 columns warn (c0, c1)"
    assert together.failed == ()


def test_nothing_compared_is_a_failure_and_its_share_unknown() -> None:
    together = judge_all([], DriftLimits())
    assert (together.verdict, together.share_drifted) == ("fail", None)


def test_limits_out_of_bounds_and_unknown_ones_are_refused() -> None:
    with pytest.raises(ValidationError):
        DriftLimits(max_null_change=1.5)
    with pytest.raises(ValidationError):
        DriftLimits(max_nulls=0.1)
