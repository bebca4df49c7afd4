"""Evidently: measures how far two columns are apart, and draws them. Everything that touches Evidently stands here, and it
is imported when it is used, as that takes five seconds. The verdicts are ml/drift.py's.
"""

import html
import math
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ml.drift import METHODS, MOST_ROWS, DriftLimits, Judgement, threshold
from ml.drift_profile import RARE, ColumnProfile, distinct_categories, labels, numbers
from ml.errors import InputError
from resources.report_cells import conceal_small_cells
from resources.settings import prepare_environment

if TYPE_CHECKING:
    from evidently.core.report import Snapshot
    from evidently.legacy.model.widget import BaseWidgetInfo

# The page may run its own scripts and nothing else: wherever it is opened, no request leaves it.
PAGE_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
)
_STYLE = "tr > .MuiTableCell-root:nth-child(-n+3) { text-align: left !important }"  # words, which Evidently puts right
_LEAST_SPREAD = 0.01  # Evidently divides by the standard deviation, or by 0.001 where that is more


@dataclass(frozen=True)
class Measured:
    """The distance of each column, or what was raised instead; and the charts, ready to be put in a page."""

    distances: dict[str, float | Exception] = field(default_factory=dict)
    widgets: list["BaseWidgetInfo"] = field(default_factory=list)


@dataclass(frozen=True)
class _Pair:
    """A column of both sides as Evidently gets it: `name` is what the page calls it."""

    profile: ColumnProfile
    name: str
    current: pd.Series
    reference: pd.Series


def measure(
    current: pd.DataFrame, reference: pd.DataFrame, profiles: Sequence[ColumnProfile], limits: DriftLimits, seed: int
) -> Measured:
    """Measure the columns of the profiles, which must be comparable. Never raises for what Evidently does."""
    measured = Measured()
    pairs = []
    for p in profiles:
        try:
            pairs.append(_pair(p, current[p.column], reference[p.column], seed))
        except InputError as error:
            measured.distances[p.column] = error
    outcome = _attempt(pairs, limits)
    if isinstance(outcome, Exception):  # one column's fault must not hide the others
        apart = [(pair, _attempt([pair], limits)) for pair in pairs]
        measured.distances.update({pair.profile.column: o for pair, o in apart if isinstance(o, Exception)})
        pairs = [pair for pair, o in apart if not isinstance(o, Exception)]
        outcome = _attempt(pairs, limits)
    if isinstance(outcome, Exception):
        measured.distances.update({pair.profile.column: outcome for pair in pairs})
    elif outcome is not None:
        column_of = {pair.name: pair.profile.column for pair in pairs}
        for metric in outcome.dict()["metrics"]:
            if (name := metric["config"].get("column")) is not None:
                measured.distances[column_of[name]] = float(metric["value"])
        rows = {p.name: (int(p.current.notna().sum()), int(p.reference.notna().sum())) for p in pairs}
        # What Evidently's own HTML is made of. Its headline is left out: it judges by the share of columns alone.
        charts = [widget for widget in outcome._widgets if widget.type == "big_table"]
        measured.widgets.extend(conceal_small_cells(charts, rows))
    return measured


def page_html(title: str, judgement: Judgement, table: pd.DataFrame, widgets: Sequence["BaseWidgetInfo"]) -> str:
    """Evidently's page with our verdicts on top of its charts. `table` has DRIFT's columns."""
    prepare_environment()
    from evidently.core.metric_types import render_widgets
    from evidently.legacy.renderers.html_widgets import CounterData, counter, table_data

    ordered = table.assign(rank=table.verdict.map({"fail": 0, "warn": 1, "pass": 2})).sort_values("rank", kind="stable")
    rows = (
        (
            r.verdict,
            r.column_name,
            r.reason,
            _figure(r.value),
            _figure(r.threshold),
            _percent(r.null_share_current),
            _percent(r.null_share_reference),
        )
        for r in ordered.itertuples()
    )
    header = ("verdict", "column", "why", "distance", "at most", "missing tonight", "missing in reference")
    ours = [
        counter(counters=[CounterData(_plain(f"{judgement.verdict.upper()}: {judgement.reason}"), _plain(title))]),
        table_data(column_names=header, data=([_plain(str(cell)) for cell in row] for row in rows)),
    ]
    head = f'<meta http-equiv="Content-Security-Policy" content="{PAGE_POLICY}"><title>{html.escape(title)}</title><style>{_STYLE}</style>'
    return render_widgets([*ours, *widgets]).replace("<head>", f"<head>{head}", 1)


def _attempt(pairs: Sequence[_Pair], limits: DriftLimits) -> "Snapshot | Exception | None":
    """The comparison, or what was raised instead: the verdict tells it."""
    try:
        return _run(pairs, limits)
    except Exception as error:  # noqa: BLE001 - Evidently raises whatever the libraries below it do
        return error


def _run(pairs: Sequence[_Pair], limits: DriftLimits) -> "Snapshot | None":
    """Evidently's comparison of the columns; None for none. Raises whatever Evidently does."""
    if not pairs:
        return None
    prepare_environment()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's and pandas' to Evidently, not to us
        from evidently import DataDefinition, Dataset, Report
        from evidently.presets import DataDriftPreset

        named = {kind: [p.name for p in pairs if p.profile.kind == kind] for kind in METHODS}
        definition = DataDefinition(numerical_columns=named["numeric"], categorical_columns=named["categorical"])
        # Named methods: left to itself Evidently changes from a distance to a p-value below 1,000 rows.
        preset = DataDriftPreset(
            num_method=METHODS["numeric"],
            cat_method=METHODS["categorical"],
            per_column_threshold={p.name: threshold(p.profile, limits) for p in pairs},
            drift_share=limits.max_drifted_share,
            include_tests=False,
        )
        sides = [pd.DataFrame({p.name: getattr(p, side) for p in pairs}) for side in ("current", "reference")]
        current, reference = (Dataset.from_pandas(side, data_definition=definition) for side in sides)
        return Report([preset], include_tests=False).run(current, reference)


def _pair(p: ColumnProfile, current: pd.Series, reference: pd.Series, seed: int) -> _Pair:
    """The known values of a column, sampled. Raises InputError for numbers too large to have a spread."""
    rng = np.random.default_rng([seed, zlib.crc32(p.column.encode())])  # so that no column depends on the others
    if p.kind == "categorical":
        now, then = (labels(side).dropna().to_numpy(dtype=object) for side in (current, reference))
        shown = {name: _plain(name) for name in distinct_categories(now, then)}
        grouped = [pd.Series(_sample(side, rng)).map(shown).fillna(RARE).astype("str") for side in (now, then)]
        return _Pair(p, _plain(p.column), *grouped)
    now, then = (_sample(side[np.isfinite(side)], rng) for side in (numbers(current), numbers(reference)))
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(np.std(then))
    if not math.isfinite(spread):
        raise InputError("its numbers are too large to have a standard deviation")
    # A small spread (of probabilities, say) is scaled up, as its distance would otherwise be too small by far.
    power = math.ceil(-math.log10(spread)) if 1e-300 < spread < _LEAST_SPREAD else 0
    name = f"{p.column} x 1e{power}" if power else p.column
    return _Pair(p, _plain(name), *(pd.Series(side * 10.0**power) for side in (now, then)))


def _sample(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return values if len(values) <= MOST_ROWS else values[rng.choice(len(values), MOST_ROWS, replace=False)]


def _plain(text: str) -> str:
    """Text that cannot end the script it is written into: Evidently puts the club's own words there as they are."""
    return text.replace("<", "‹")


def _figure(value: object) -> str:
    return "" if pd.isna(value) else f"{value:.3g}"  # type: ignore[call-overload]


def _percent(value: object) -> str:
    return "" if pd.isna(value) else f"{value:.1%}"  # type: ignore[call-overload]
