"""A backtest told in sections: words, a table, a plot. Every figure comes from the rows of BACKTEST_SCORES and
BACKTEST_METRICS. Each section is a function of both, and a new one is a line in SECTIONS; pages are made elsewhere.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ml import plots
from ml.backtest import MODEL
from ml.backtest_frames import ALL, BROAD, CLOSED, PROMISED, Campaign
from ml.backtest_targets import TARGETS_OF, in_words, judged
from ml.evaluation import STOP, calibration_bins

LEAST_ROWS = 20  # no figure is shown of fewer mailings
OF_MAILINGS = ("auc", "pr_auc", "log_loss", "ece", "stopped_keeping_95", "stopped_keeping_90", "stopped_keeping_80")
OF_OFFERS = ("ndcg_5", "recall_5", "mrr", "auc", "pr_auc", "stopped_keeping_95", "stopped_keeping_90")


@dataclass(frozen=True)
class Told:
    """What the sections read: the frames of both tables, the campaigns replayed, and the name of their source."""

    scores: pd.DataFrame
    metrics: pd.DataFrame
    campaigns: Mapping[str, Campaign]
    source: str

    @property
    def main(self) -> str:
        """The subset to judge by: the campaigns whose time to answer is over, or all where none is."""
        return CLOSED if self.metrics.subset.eq(CLOSED).any() else ALL

    def rows(self, level: str, subset: str) -> pd.DataFrame:
        held = self.metrics
        return held[held.level.eq(level) & held.subset.eq(subset) & held.rows.ge(LEAST_ROWS)]


@dataclass(frozen=True)
class Section:
    """A part of the report. `tables` are of text, ready to be shown; `figures` PNG by what they show."""

    title: str
    text: str
    tables: Sequence[pd.DataFrame] = ()
    figures: Sequence[tuple[str, bytes]] = ()


def sections(told: Told) -> list[Section]:
    """The report's sections, less those that have nothing to say."""
    return [section for make in SECTIONS if (section := make(told)) is not None]


def _targets(told: Told) -> Section | None:
    table = judged(told.metrics) if told.source == TARGETS_OF else pd.DataFrame()
    if table.empty:
        return None
    shown = pd.DataFrame(
        {
            "figure": table.figure,
            "reached": [_with(v, low, high) for v, low, high in zip(table.value, table.low, table.high, strict=True)],
            **{name: [_with(v, None, None) for v in table[name]] for name in ("must", "excellent", "stretch")},
            "verdict": table.reached,
        }
    )
    return Section("Targets", f"{in_words(table)}. Intervals are 95 %, by bootstrap over members.", [shown])


def _mailings(told: Told) -> Section | None:
    rows = told.rows("mailing", told.main)
    gains = _gain_curves(rows)
    words = "Responders kept against messages stopped; the band is the model's 95 % interval"
    return Section(
        "Will the member answer at all",
        f"Mailings of campaigns: {told.main}. Gain is the model's AUC less the baseline's on the same draws of members.",
        [_beside_baselines(rows, OF_MAILINGS, "auc")],
        [(words, plots.gain(gains))] if gains else [],
    )


def _offers(told: Told) -> Section | None:
    tables, kinds = [], [s for s in told.metrics.subset.unique() if s.startswith(f"{CLOSED}, ")]
    for subset in dict.fromkeys((told.main, BROAD[2], *kinds)):
        rows = told.rows("offer", subset)
        if not rows.empty:
            tables.append(_beside_baselines(rows, OF_OFFERS, "ndcg_5").rename(columns={"scorer": f"scorer ({subset})"}))
    words = "Rankings within members who answered; AUC and stopping over all pairs. Where a member was sent some offers of many and which is not recorded, offers never sent count as refused and flatter: the campaigns with few offers are the honest test."
    return Section("Which offer", words, tables) if tables else None


def _calibration(told: Told) -> Section | None:
    chosen = [c for c, told_of in told.campaigns.items() if told.main == ALL or told_of.closed]
    rows = told.scores[told.scores.offer_id.isna() & told.scores.campaign_id.isin(chosen)]
    if len(rows) < 10 * LEAST_ROWS:
        return None
    bins = calibration_bins(rows.answered.to_numpy(dtype=float), rows.relevance.to_numpy(dtype=float))
    return Section(
        "Calibration",
        f"Mailings in tenths by relevance, with the 95 % interval (Wilson) of the share that answered. {len(rows):,} mailings.",
        [],
        [("Predicted against observed", plots.calibration(bins))],
    )


def _threshold(told: Told) -> Section | None:
    table, points = [], []
    for subset in (told.main, *sorted(s for s in told.metrics.subset.unique() if s.startswith("campaign "))):
        rows = told.rows("mailing", subset)
        held = _by_metric(rows[rows.scorer.eq(MODEL)])
        if "kept_at_threshold" not in held:
            continue
        kept, stopped = held["kept_at_threshold"], held["stopped_at_threshold"]
        table.append(
            {
                "campaigns": subset,
                "mailings": f"{kept['rows']:,}",
                "kept of those who answered": _of(kept),
                "stopped": _of(stopped),
            }
        )
        points.append({"name": subset, "value": kept["value"], "low": kept["low"], "high": kept["high"]})
    if not table:
        return None
    promised = told.metrics[told.metrics.metric.eq(PROMISED)].value
    share = f"{float(promised.iloc[0]):.0%}" if len(promised) else "a promised share"
    words = f"The threshold was fixed before each night, on its past alone, to keep {share} of those who answer."
    figure = (
        "Share of responders kept",
        plots.spans(pd.DataFrame(points), "Kept at the threshold", "share of responders kept"),
    )
    return Section("The threshold's truth", words, [pd.DataFrame(table)], [figure])


def _campaigns(told: Told) -> Section | None:
    names = sorted(told.campaigns)
    points = []
    for name in names:
        held = told.rows("mailing", f"campaign {name}")
        held = held[held.scorer.eq(MODEL) & held.metric.eq("auc") & held.value.notna()]
        mark = "" if told.campaigns[name].closed else " (still open)"
        points += [{"name": f"{name}{mark}", "value": r.value, "low": r.low, "high": r.high} for r in held.itertuples()]
    if not points:
        return None
    words = "Campaigns still open at the end of the data are measured on what was answered until then."
    return Section(
        "Campaign by campaign",
        words,
        [],
        [("Mailing AUC", plots.spans(pd.DataFrame(points), "Mailing AUC by campaign", "AUC", 0.5))],
    )


def _stages(told: Told) -> Section | None:
    held = told.metrics[told.metrics.level.eq("stage")]
    if held.empty:
        return None
    wide = held.pivot_table(index="scorer", columns="metric", values="value", sort=False)
    table = pd.DataFrame(
        {
            "stage": wide.index,
            "seconds": wide.seconds.map("{:.1f}".format),
            "peak memory, MB": wide.peak_mb.map("{:,.0f}".format),
        }
    )
    words = f"Seconds over all nights, {wide.seconds.sum():.0f} in all; memory is the most the process had held by the stage's end."
    return Section("What it costs", words, [table])


SECTIONS: tuple[Callable[[Told], Section | None], ...] = (
    _targets, _mailings, _calibration, _threshold, _campaigns, _offers, _stages,
)  # fmt: skip


def _beside_baselines(rows: pd.DataFrame, metrics: Sequence[str], gained: str) -> pd.DataFrame:
    table = []
    for scorer, part in rows.groupby("scorer", sort=False):
        held = _by_metric(part)
        line = {"scorer": str(scorer).replace("_", " ")}
        line |= {m.replace("_", " "): _of(held[m], m in metrics[:2]) if m in held else "" for m in metrics}
        own = held.get(gained, {"gain": None})
        gain = pd.notna(own["gain"])
        line["the model's gain"] = _with(own["gain"], own["gain_low"], own["gain_high"], "+") if gain else ""
        table.append(line)
    return pd.DataFrame(table)


def _gain_curves(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    curves = {}
    for scorer, part in rows.groupby("scorer", sort=False):
        held = _by_metric(part)
        wanted = [f"kept_stopping_{s * 100:.0f}" for s in STOP]
        if not set(wanted) <= set(held):
            continue
        inner = [held[name] for name in wanted]
        curve = pd.DataFrame({"stopped": [0, *STOP, 1], "kept": [1.0, *(r["value"] for r in inner), 0.0]})
        if scorer == MODEL:
            curve = curve.assign(
                low=[1.0, *(r["low"] for r in inner), 0.0], high=[1.0, *(r["high"] for r in inner), 0.0]
            )
        curves[str(scorer).replace("_", " ")] = curve
    return curves


def _by_metric(part: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {str(line["metric"]): line for line in part.to_dict("records")}  # type: ignore[misc]


def _of(row: Mapping[str, Any], interval: bool = True) -> str:
    return _with(row["value"], row["low"], row["high"]) if interval else _with(row["value"], None, None)


def _with(value: float, low: float | None, high: float | None, sign: str = "") -> str:
    if pd.isna(value):
        return ""
    text = f"{value:{sign}.3f}"
    return text if low is None or pd.isna(low) else f"{text} [{low:{sign}.3f}, {high:{sign}.3f}]"
