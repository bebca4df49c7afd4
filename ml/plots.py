"""Plots as PNG bytes from small frames: what an ML engineer looks at beside an asset. Numbers are made elsewhere."""

import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

INK, ACCENT, QUIET = "#1f2a37", "#0f766e", "#9ca3af"
_RIVER = ["#0f766e", "#b45309", "#4338ca", "#be123c", "#6b7280", "#0ea5e9", "#d946ef", "#84cc16"]


def calibration(bins: pd.DataFrame, title: str = "Calibration") -> bytes:
    """Reliability plot. `bins`: predicted (mean), observed (share), rows, and, where known, low, high (95 %)."""
    figure, axes = _canvas(title, "predicted probability", "share that answered")
    top = float(max(bins.predicted.max(), bins.observed.max(), 0.01)) * 1.1
    axes.plot([0, top], [0, top], color=QUIET, linestyle=":", label="perfect")
    if {"low", "high"} <= set(bins.columns):
        spread = np.clip(np.vstack([bins.observed - bins.low, bins.high - bins.observed]), 0, None)
        axes.errorbar(
            bins.predicted, bins.observed, spread, fmt="none", ecolor=INK, elinewidth=1.2, capsize=4, zorder=3
        )
    size = (
        12 + 28 * bins.rows / bins.rows.max()
    )  # small, and below the bars: an interval must not hide under its marker
    axes.scatter(bins.predicted, bins.observed, s=size, color=ACCENT, label="model", zorder=2)
    axes.legend(frameon=False)
    return _png(figure)


def gain(curves: dict[str, pd.DataFrame], title: str = "Gain") -> bytes:
    """Responders kept against messages stopped. Each curve: stopped (share), kept (share), and, where known, low, high (95 %)."""
    figure, axes = _canvas(title, "share of messages stopped", "share of responders kept")
    axes.plot([0, 1], [1, 0], color=QUIET, linestyle=":", label="by chance")
    for (name, curve), colour in zip(curves.items(), _RIVER, strict=False):
        axes.plot(curve.stopped, curve.kept, color=colour, label=name)
        if {"low", "high"} <= set(curve.columns):
            axes.fill_between(curve.stopped, curve.low, curve.high, color=colour, alpha=0.15, linewidth=0)
    axes.axhline(0.9, color=QUIET, linewidth=0.7)
    axes.legend(frameon=False, loc="lower left")
    return _png(figure)


def histogram(
    values: Sequence[float] | np.ndarray, title: str, unit: str, marks: dict[str, float] | None = None
) -> bytes:
    """How a number is spread, with marked values (a threshold, say). Missing values are counted in the title."""
    data = np.asarray(values, dtype=float)
    held = data[np.isfinite(data)]
    missing = f" ({data.size - held.size} missing)" if held.size < data.size else ""
    figure, axes = _canvas(title + missing, unit, "rows")
    if held.size:
        axes.hist(held, bins=40, color=ACCENT, alpha=0.85)
        axes.set_yscale("log")
    for (name, value), colour in zip((marks or {}).items(), _RIVER[1:], strict=False):
        axes.axvline(value, color=colour, label=f"{name} {value:.3g}")
    if marks:
        axes.legend(frameon=False)
    return _png(figure)


def spans(rows: pd.DataFrame, title: str, unit: str, mark: float | None = None) -> bytes:
    """A point with its interval a row, first on top. `rows`: name, value, low, high."""
    held = rows[::-1].reset_index(drop=True)
    figure, axes = _canvas(title, unit, "", height=1.2 + 0.3 * max(len(held), 3))
    spread = np.clip(np.vstack([held.value - held.low, held.high - held.value]).astype(float), 0, None)
    axes.errorbar(held.value, held.index, xerr=np.nan_to_num(spread), fmt="o", color=ACCENT, ecolor=INK, capsize=3)
    axes.set_yticks(held.index, [str(name) for name in held["name"]])
    if mark is not None:
        axes.axvline(mark, color=QUIET, linestyle=":")
    return _png(figure)


def lines(values: pd.DataFrame, title: str, unit: str) -> bytes:
    """A line for each column over the index (dates or numbers), each with its name in the legend."""
    figure, axes = _canvas(title, "", unit)
    for (name, column), colour in zip(values.items(), _RIVER, strict=False):
        axes.plot(values.index, column.to_numpy(dtype=float), marker="o", markersize=3, color=colour, label=str(name))
    axes.set_ylim(bottom=0)
    figure.autofmt_xdate()
    axes.legend(frameon=False)
    return _png(figure)


def bars(values: pd.Series, title: str, unit: str, most: int = 20) -> bytes:
    """Horizontal bars, largest on top: importance of features, members by reason, null shares."""
    shown = values.sort_values(ascending=False).head(most)[::-1]
    figure, axes = _canvas(title, unit, "", height=1.2 + 0.28 * max(len(shown), 3))
    axes.barh([str(name) for name in shown.index], shown.to_numpy(dtype=float), color=ACCENT)
    axes.locator_params(axis="x", nbins=5)  # long names leave little room for the numbers below
    return _png(figure)


def _canvas(title: str, x: str, y: str, height: float = 4.0):  # type: ignore[no-untyped-def]
    figure = Figure(figsize=(6.4, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", color=INK, fontsize=11)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure, axes


def _png(figure: Figure) -> bytes:
    out = io.BytesIO()
    # No software or date in the file: the same figures give the same bytes.
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
