"""What a report may show of few members: nothing. Bars of Evidently's charts that stand for fewer than LEAST_CELL rows are
emptied, so that no chart points at the one member who spends most. Distances are measured before, on all values.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.drift_profile import LEAST_CELL

if TYPE_CHECKING:
    from evidently.legacy.model.widget import BaseWidgetInfo

# A line of means of some rows each, in the order in which the rows came: it shows single rows and says nothing.
_ORDER_OF_ROWS = "DATA DRIFT"


def conceal_small_cells(
    widgets: Sequence["BaseWidgetInfo"], rows: Mapping[str, tuple[int, int]]
) -> list["BaseWidgetInfo"]:
    """The widgets of Evidently's drift preset with their small cells emptied; they are changed in place.

    `rows` has, for each column of the report, its values tonight and in the reference.
    """
    for widget in widgets:
        for line in (widget.params or {}).get("data", []):
            _small_charts(line, rows[line["column_name"]])
            kept = [part for part in line["details"]["parts"] if part["title"] != _ORDER_OF_ROWS]
            line["details"]["parts"] = kept
        shown = {part["id"] for line in (widget.params or {}).get("data", []) for part in line["details"]["parts"]}
        widget.additionalGraphs = [graph for graph in widget.additionalGraphs if graph.id in shown]
        for graph in widget.additionalGraphs:
            _large_chart(graph.params["data"])
    return list(widgets)


def _small_charts(line: dict[str, Any], rows: tuple[int, int]) -> None:
    """The pair of charts in a line of the table: counts of categories, or densities between edges."""
    for side, known in zip(("current_distribution", "reference_distribution"), rows, strict=True):
        chart = line[side]
        heights, places = np.asarray(chart["y"], dtype=float), np.asarray(chart["x"])
        between_edges = len(places) > len(heights)
        small = _small(heights * np.diff(places) * known if between_edges else heights)
        heights[small] = 0
        ends = _ends([heights]) if between_edges else slice(None)
        chart["y"], chart["x"] = heights[ends].tolist(), places[_edges(ends)].tolist()


def _large_chart(traces: list[dict[str, Any]]) -> None:
    """The chart of a column: for each side a trace of counts, then one of the same in percent."""
    counts: dict[str, np.ndarray] = {}
    for trace in traces:
        trace["x"], trace["y"] = np.asarray(trace["x"]), np.array(trace["y"], dtype=float)
        small = _small(counts.setdefault(trace["name"], trace["y"].copy()))
        trace["y"][small] = 0
    if all(len(trace["x"]) > len(trace["y"]) for trace in traces):
        ends = _ends([trace["y"] for trace in traces])
        for trace in traces:
            trace["x"], trace["y"] = trace["x"][_edges(ends)], trace["y"][ends]


def _small(cells: np.ndarray) -> np.ndarray:
    return (cells > 0.5) & (cells < LEAST_CELL - 0.5)  # halves: densities come back as counts only nearly


def _ends(heights: Sequence[np.ndarray]) -> slice:
    """From the first bar to the last that is left in any of the traces: where the axis ends is somebody's value too."""
    left = np.flatnonzero(np.any([h > 0 for h in heights], axis=0))
    return slice(int(left[0]), int(left[-1]) + 1) if len(left) else slice(0, 0)


def _edges(ends: slice) -> slice:
    """The edges of those bars: one more than there are bars."""
    return ends if ends.stop is None else slice(ends.start, ends.stop + 1 if ends.stop else 0)
