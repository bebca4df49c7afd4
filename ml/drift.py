"""Whether tonight's features and scores still look like what the model was trained on: verdicts in words, one a column.

Counts and distances in, verdicts out. What is counted stands in drift_profile.py; the distances are measured by Evidently
in resources/drift_report.py. Every column is judged by itself: a data set of which one column in six has moved by ten
standard deviations "has not drifted" by the usual share of columns.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from ml.drift_profile import LEAST_CELL, ColumnProfile, Kind
from ml.errors import InputError
from ml.policy_sections import PositiveShare, Section, Share

Verdict = Literal["pass", "warn", "fail"]
METHODS: dict[Kind, str] = {"numeric": "wasserstein", "categorical": "jensenshannon"}
MOST_ROWS = 20_000  # measured of each side; 100,000 take three times as long and say the same
_RANK: dict[Verdict, int] = {"pass": 0, "warn": 1, "fail": 2}
_Z = 3.0  # standard deviations that chance is allowed: less than one clean column in 100 is beyond
_Z_CATEGORIES = 5.0  # more of Jensen-Shannon, whose tail is longer where categories are small


class DriftLimits(Section):
    """How far tonight may be from what the model was trained on.

    Beyond a limit an important column fails and any other warns; beyond `severe` times the limit every column fails.
    """

    max_numeric_distance: float = Field(
        0.2,
        gt=0,
        le=10,
        description="Largest Wasserstein distance of a numeric column, in its standard deviations; 0.2 is commonly called a small shift.",
    )
    max_category_distance: float = Field(
        0.1,
        gt=0,
        le=0.83,
        description="Largest Jensen-Shannon distance of a categorical column; 0.83 is two columns with nothing in common.",
    )
    max_null_change: PositiveShare = Field(
        0.1, description="Largest change of the share of rows without a value, up or down."
    )
    max_infinite_share: Share = Field(
        0.0,
        description="Largest share of rows with an infinite value; above it every column fails, as a model scores infinity without a word.",
    )
    max_new_category_share: PositiveShare = Field(
        0.05, description="Largest share of values in a category that the model was not trained on."
    )
    max_drifted_share: PositiveShare = Field(
        0.3, description="Largest share of columns beyond their distance before the night as a whole fails."
    )
    severe: float = Field(5.0, ge=1, le=100, description="How many times a limit is too far for any column.")
    least_rows: int = Field(100, ge=1, le=1_000_000, description="Fewest values on either side to judge a distance by; with fewer the column warns and no distance fails it.")  # fmt: skip


@dataclass(frozen=True)
class ColumnVerdict:
    """What is held of one column, and why. `value` is its distance and `threshold` the largest that passes, where taken."""

    profile: ColumnProfile
    verdict: Verdict
    reason: str
    value: float | None = None
    threshold: float | None = None

    @property
    def drifted(self) -> bool | None:
        """The distance is beyond its threshold; None where there is none."""
        return None if self.value is None or self.threshold is None else self.value > self.threshold


@dataclass(frozen=True)
class Judgement:
    """What is held of all columns together, and why. `share_drifted` is of the columns with a distance; None if none has."""

    verdict: Verdict
    reason: str
    share_drifted: float | None
    failed: tuple[str, ...]
    warned: tuple[str, ...]


def judge(
    profiles: Sequence[ColumnProfile],
    distances: Mapping[str, float | Exception],
    limits: DriftLimits,
    important: Sequence[str] = (),
) -> list[ColumnVerdict]:
    """A verdict for each profile, in their order.

    `distances` has what was measured of each comparable column: by `METHODS`, or the exception that came instead, which
    fails the column, as does a comparable column without an entry. `important` columns fail where others only warn.
    """
    return [_judge(p, distances.get(p.column), limits, p.column in set(important)) for p in profiles]


def judge_all(verdicts: Sequence[ColumnVerdict], limits: DriftLimits) -> Judgement:
    """The columns' verdicts as one: the worst of them, and fail where too many columns have drifted. No columns fail."""
    if not verdicts:
        return Judgement("fail", "no columns were compared", None, (), ())
    failed, warned = (tuple(v.profile.column for v in verdicts if v.verdict == bad) for bad in ("fail", "warn"))
    measured = [v.drifted for v in verdicts if v.drifted is not None]
    share = sum(measured) / len(measured) if measured else None
    words = [
        f"{len(bad)} of {len(verdicts)} columns {verb} ({_listed(bad)})"
        for bad, verb in ((failed, "fail"), (warned, "warn"))
        if bad
    ]
    verdict: Verdict = "fail" if failed else "warn" if warned else "pass"
    if share is not None and share > limits.max_drifted_share:
        verdict = "fail"
        words.insert(0, f"{share:.0%} of the columns drifted, at most {limits.max_drifted_share:.0%} may")
    return Judgement(
        verdict, "; ".join(words) or f"{len(verdicts)} of {len(verdicts)} columns pass", share, failed, warned
    )


def threshold(profile: ColumnProfile, limits: DriftLimits) -> float:
    """The largest distance that passes: the limit, or what two samples of one and the same population show by chance.

    With n and m rows a Wasserstein distance over the standard deviation comes out below 3 * sqrt(1/n + 1/m) by chance, and
    a Jensen-Shannon distance over k categories is about chi-squared: d**2 * 8 / (1/n + 1/m) has k - 1 degrees of freedom.

    Raises ZeroDivisionError for a profile that is not comparable.
    """
    fewness = sum(1 / min(side.known, MOST_ROWS) for side in (profile.current, profile.reference))
    if profile.kind == "numeric":
        return max(limits.max_numeric_distance, _Z * math.sqrt(fewness))
    freedom = profile.categories - 1
    return max(
        limits.max_category_distance, math.sqrt((freedom + _Z_CATEGORIES * math.sqrt(2 * freedom)) * fewness / 8)
    )


@dataclass
class _Findings:
    """What was found of one column; the worst leads."""

    important: bool
    severe: float
    found: list[tuple[Verdict, str]]

    def fail(self, words: str) -> None:
        self.found.append(("fail", words))

    def warn(self, words: str) -> None:
        self.found.append(("warn", words))

    def weigh(self, value: float, limit: float, words: str) -> None:
        """Warn or fail for a value beyond its limit; nothing for one within."""
        if value > limit:
            self.found.append(("fail" if self.important or value > self.severe * limit else "warn", words))

    def verdict(self, otherwise: str) -> tuple[Verdict, str]:
        if not self.found:
            return "pass", otherwise
        ordered = sorted(self.found, key=lambda finding: -_RANK[finding[0]])
        return ordered[0][0], "; ".join(words for _, words in ordered)


def _judge(p: ColumnProfile, distance: float | Exception | None, limits: DriftLimits, important: bool) -> ColumnVerdict:
    findings = _Findings(important, limits.severe, [])
    if fault := _unusable(p):
        findings.fail(fault)
        return ColumnVerdict(p, *findings.verdict(""))
    if not p.current.known and not p.reference.known:
        return ColumnVerdict(p, "warn", "no row has a value, tonight as in the reference: it tells nothing")
    _weigh_shares(p, limits, findings)
    fewest = min(p.current.known, p.reference.known)
    few = fewest < limits.least_rows
    if few:
        findings.warn(f"too few rows to judge by: {fewest:,} with a value, {limits.least_rows:,} are needed")
    if not p.comparable:
        return ColumnVerdict(p, *findings.verdict("every value is the one that the reference has"))
    if p.kind == "categorical" and p.categories == 1:
        findings.warn(f"no category has {LEAST_CELL} rows, so new ones are noticed and nothing else")
    most = threshold(p, limits)
    if distance is None:
        findings.fail("its distance was not measured")
        return ColumnVerdict(p, *findings.verdict(""), threshold=most)
    if isinstance(distance, Exception):
        findings.fail(f"its distance could not be measured: {_first_line(distance)}")
        return ColumnVerdict(p, *findings.verdict(""), threshold=most)
    if not math.isfinite(distance):
        findings.fail(f"its distance came out as {distance}")
        return ColumnVerdict(p, *findings.verdict(""), threshold=most)
    words = f"distance {distance:.3g}, at most {most:.2g}"
    if not few:
        findings.weigh(distance, most, words)
    return ColumnVerdict(p, *findings.verdict(words), value=float(distance), threshold=most)


def _unusable(p: ColumnProfile) -> str:
    """Why nothing can be said of the column at all; "" where something can."""
    if not p.current.present:
        return "the column is missing tonight"
    if not p.reference.present:
        return "the column is new: the reference does not have it"
    if not p.current.rows:
        return "there are no rows tonight"
    if not p.reference.rows:
        return "the reference has no rows"
    if p.fault:
        return p.fault
    if p.reference.known and not p.current.known:
        return f"no row has a usable value tonight ({p.current.nulls:,} missing, {p.current.infinite:,} infinite)"
    if p.current.known and not p.reference.known:
        return "no row of the reference has a usable value, so the model has not seen any"
    return ""


def _weigh_shares(p: ColumnProfile, limits: DriftLimits, findings: _Findings) -> None:
    """The shares that no distance shows."""
    if p.current.infinite > limits.max_infinite_share * p.current.rows:
        findings.fail(f"{p.current.infinite:,} of {p.current.rows:,} rows are infinite")
    now, then = p.current.nulls / p.current.rows, p.reference.nulls / p.reference.rows
    pooled = (p.current.nulls + p.reference.nulls) / (p.current.rows + p.reference.rows)
    by_chance = _Z * math.sqrt(pooled * (1 - pooled) * (1 / p.current.rows + 1 / p.reference.rows))
    findings.weigh(
        abs(now - then),
        max(limits.max_null_change, by_chance),
        f"{now:.1%} of the rows have no value, {then:.1%} in the reference",
    )
    if p.new_share is not None:
        words = f"{p.new_share:.1%} of the values are ones the reference does not have ({p.new_categories:,} different)"
        findings.weigh(p.new_share, limits.max_new_category_share, words)


def _first_line(error: Exception) -> str:
    said = (str(error).splitlines() or [""])[0][:200]
    return said if isinstance(error, InputError) else f"{type(error).__name__}: {said}"


def _listed(names: Sequence[str], most: int = 6) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
