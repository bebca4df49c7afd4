"""A backtest told in sections: words, a table, a plot. Every figure comes from the rows of BACKTEST_METRICS, which are made of
BACKTEST_SCORES. Each section is a function of them, and a new one is a line in SECTIONS; pages are made elsewhere.
"""

from collections.abc import Callable, Sequence

import pandas as pd

from ml import plots
from ml.backtest import MODEL
from ml.backtest_frames import BROAD, CLOSED, OF_ONE, PROMISED
from ml.backtest_report_study import STUDIED
from ml.backtest_saved import APART_MAILINGS, APART_OFFERS, OF_MAILINGS, OF_OFFERS, of_rivals
from ml.backtest_targets import TARGETS_OF, in_words, judged
from ml.backtest_told import LEAST_ROWS, WORDS, Section, Told, by_metric, gain_of, less_empty, number, value_of
from ml.baselines import ALS, BASELINES
from ml.evaluation import BINS, STOP


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
            "reached": [number(v, low, high) for v, low, high in zip(table.value, table.low, table.high, strict=True)],
            **{name: [number(v) for v in table[name]] for name in ("must", "excellent", "stretch")},
            "verdict": table.reached,
        }
    )
    words = (
        f"{in_words(table)}. Intervals are 95 %, by bootstrap over members; that of the calibration error lies higher than its value, as "
        "each draw adds chance of its own to it."
    )
    return Section("Targets", words, [shown])


def _replayed(told: Told) -> Section | None:
    table = []
    for name, closed in sorted(told.campaigns.items()):
        rows = told.metrics[told.metrics.level.eq("mailing") & told.metrics.subset.eq(f"{OF_ONE}{name}")]
        held = by_metric(rows[rows.scorer.eq(MODEL)])
        sent, answered = held["auc"]["rows"] if "auc" in held else 0, held.get("answers", {"value": 0})["value"]
        shown = [f"{n:,.0f}" if n >= LEAST_ROWS else f"fewer than {LEAST_ROWS}" for n in (sent, answered)]
        table.append(
            {
                "campaign": name,
                "mailings": shown[0],
                "answered": shown[1],
                "time to answer": "over" if closed else "not over in the data",
            }
        )
    words = "Each was judged as its first night would have gone, by members who were then mailed."
    return Section("Campaigns replayed", words, [pd.DataFrame(table)]) if table else None


def _mailings(told: Told) -> Section | None:
    rows = told.rows("mailing", told.main)
    gains = _gain_curves(rows)
    words = "Responders kept against messages stopped; the band is the model's 95 % interval"
    meanings = [{"baseline": _named(b.name), "what it goes by": b.meaning} for b in BASELINES]
    meanings.append(
        {
            "baseline": _named(ALS),
            "what it goes by": "Alternating least squares on who bought what (the library implicit).",
        }
    )
    return Section(
        "Will the member answer at all",
        f"Mailings of campaigns: {told.main}. Gain is the model's AUC less the baseline's on the same draws of members.",
        [_beside_baselines(rows, OF_MAILINGS, "auc"), pd.DataFrame(meanings)],
        [(words, plots.gain(gains))] if gains else [],
    )


def _apart(told: Told) -> Section | None:
    """The model on each of the subsets: all, closed, kinds, few offers."""
    lines = []
    for subset in [s for s in told.metrics.subset.unique() if not s.startswith(OF_ONE)]:
        mailings, offers = (told.rows(level, subset) for level in ("mailing", "offer"))
        whole, which = (by_metric(rows[rows.scorer.eq(MODEL)]) for rows in (mailings, _of_enough(offers)))
        if "auc" not in whole:
            continue
        line = {"campaigns": subset, "mailings": f"{whole['auc']['rows']:,}"}
        line |= {f"mailing {WORDS[m]}": value_of(whole[m]) for m in APART_MAILINGS}
        line |= {f"offer {WORDS[m]}": value_of(which[m]) for m in APART_OFFERS if m in which}
        lines.append(line)
    words = (
        "The model alone. All are those that could still be answered at the end of the data, too; closed are the others, and below them each "
        "kind of campaign. Few answers make wide intervals."
    )
    return (
        Section("Kinds of campaigns apart", words, [less_empty(pd.DataFrame(lines).fillna(""))])
        if len(lines) > 1
        else None
    )


def _offers(told: Told) -> Section | None:
    tables, kinds = [], [s for s in told.metrics.subset.unique() if s.startswith(f"{CLOSED}, ")]
    for subset in dict.fromkeys((told.main, BROAD[2], *kinds)):
        rows = _of_enough(told.rows("offer", subset))
        if not rows.empty and rows.value[rows.metric.isin(OF_OFFERS)].notna().any():
            tables.append(_beside_baselines(rows, OF_OFFERS, "ndcg_5").rename(columns={"scorer": f"scorer ({subset})"}))
    words = "Rankings within members who answered; AUC and stopping over all pairs. Where a member was sent some offers of many and which is not recorded, offers never sent count as refused and flatter: the campaigns with few offers are the honest test."
    return Section("Which offer", words, tables) if tables else None


def _of_enough(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of offers, without rankings where too few members answered to show what they did."""
    groups = rows.value[rows.scorer.eq(MODEL) & rows.metric.eq("groups")]
    few = len(groups) > 0 and float(groups.iloc[0]) < LEAST_ROWS
    return rows[~rows.metric.isin(["ndcg_5", "recall_5", "mrr"])] if few else rows


def _calibration(told: Told) -> Section | None:
    rows = told.metrics[told.metrics.level.eq("mailing") & told.metrics.subset.eq(told.main)]
    held = by_metric(rows[rows.scorer.eq(MODEL)])
    tenths = [at for at in range(1, BINS + 1) if held.get(f"observed_tenth_{at}", {"rows": 0})["rows"] >= LEAST_ROWS]
    if not tenths:
        return None
    parts = [{name: held[f"{name}_tenth_{at}"] for name in ("predicted", "bound", "observed")} for at in tenths]
    bins = pd.DataFrame([
        {"predicted": p["predicted"]["value"], "observed": p["observed"]["value"], "rows": p["observed"]["rows"],
         "low": p["observed"]["low"], "high": p["observed"]["high"]} for p in parts
    ])  # fmt: skip
    table = pd.DataFrame([
        {"tenth": at, "mailings": f"{p['observed']['rows']:,}", "predicted": value_of(p["predicted"]),
         "lower bound": value_of(p["bound"]), "answered": value_of(p["observed"])} for at, p in zip(tenths, parts, strict=True)
    ])  # fmt: skip
    sure = held.get("bound_held")
    words = "Mailings in tenths by relevance; the interval is that of the share that answered (Wilson, 95 %). "
    if sure is not None:
        words += (
            f"Nine of ten true rates should lie above the lower bound. Of {sure['rows']} groups (tenths of each campaign, at least "
            f"{LEAST_ROWS} mailings each) {sure['value']:.0%} of the shares seen did, which have chance of their own in them."
        )
    return Section(
        "Calibration, and how sure it is", words, [table], [("Predicted against observed", plots.calibration(bins))]
    )


def _threshold(told: Told) -> Section | None:
    table, points = [], []
    for subset in (told.main, *sorted(s for s in told.metrics.subset.unique() if s.startswith(OF_ONE))):
        rows = told.rows("mailing", subset)
        held = by_metric(rows[rows.scorer.eq(MODEL)])
        if "kept_at_threshold" not in held:
            continue
        kept, stopped = held["kept_at_threshold"], held["stopped_at_threshold"]
        if held.get("answers", kept)["value"] < LEAST_ROWS:  # a share of so few tells of single members
            continue
        table.append(
            {
                "campaigns": subset,
                "mailings": f"{kept['rows']:,}",
                "kept of those who answered": value_of(kept),
                "stopped": value_of(stopped),
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
    points = []
    for name, closed in sorted(told.campaigns.items()):
        held = told.rows("mailing", f"{OF_ONE}{name}")
        held = held[held.scorer.eq(MODEL) & held.metric.eq("auc") & held.value.notna()]
        mark = "" if closed else " (still open)"
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
            "of all cores": wide.cpu_seconds.map("{:.1f}".format),
            "peak memory, MB": wide.peak_mb.map("{:,.0f}".format),
        }
    )
    words = (
        f"Seconds over all nights by the clock, {wide.seconds.sum():.0f} in all, and of all cores together, "
        f"{wide.cpu_seconds.sum():.0f}; memory is the most the process had held by the stage's end."
    )
    return Section("What it costs", words, [table])


SECTIONS: tuple[Callable[[Told], Section | None], ...] = (
    _replayed, _targets, _mailings, _calibration, _threshold, _campaigns, _offers, _apart, *STUDIED, _stages,
)  # fmt: skip


def _beside_baselines(rows: pd.DataFrame, metrics: Sequence[str], gained: str) -> pd.DataFrame:
    table = []
    for scorer, part in of_rivals(rows).groupby("scorer", sort=False):
        held = by_metric(part)
        line = {"scorer": _named(str(scorer))}
        line |= {WORDS[m]: value_of(held[m], m in metrics[:2]) if m in held else "" for m in metrics}
        line[f"the model's gain in {WORDS[gained]}"] = gain_of(held[gained]) if gained in held else ""
        table.append(line)
    return less_empty(pd.DataFrame(table))


def _named(scorer: str) -> str:
    return "ALS" if scorer == ALS else scorer.replace("_", " ")


def _gain_curves(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    curves = {}
    for scorer, part in of_rivals(rows).groupby("scorer", sort=False):
        held = by_metric(part)
        wanted = [f"kept_stopping_{s * 100:.0f}" for s in STOP]
        if not set(wanted) <= set(held):
            continue
        inner = [held[name] for name in wanted]
        curve = pd.DataFrame({"stopped": [0, *STOP, 1], "kept": [1.0, *(r["value"] for r in inner), 0.0]})
        if scorer == MODEL:
            curve = curve.assign(
                low=[1.0, *(r["low"] for r in inner), 0.0], high=[1.0, *(r["high"] for r in inner), 0.0]
            )
        curves[_named(str(scorer))] = curve
    return curves
