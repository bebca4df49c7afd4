"""What a backtest is expected to reach on The Complete Journey, and whether it did. Figures come from BACKTEST_METRICS."""

from dataclasses import dataclass

import pandas as pd

from ml.backtest import MODEL
from ml.backtest_frames import ALL, BROAD, CLOSED, PROMISED
from ml.backtest_tables import BACKTEST_METRICS

TARGETS_OF = "complete-journey"  # the source they were set for
CAMPAIGNS = ("13", "14", "16", "17", "18", "19")  # and its campaigns: on fewer or others they say nothing
FEW = BROAD[2]
PROMISE = 0.90  # what is asked of thresholds is asked of those that were to keep this share


@dataclass(frozen=True)
class Target:
    """A figure with the least (or, where `least` is False, the most) it must be, and what better attempts reach.

    stretch  not a number where none is set (what more the threshold should stop is asked of stopped_at_threshold)
    of  "value", or "gain": the model's paired gain over `scorer`
    """

    meaning: str
    level: str
    subset: str
    metric: str
    must: float
    excellent: float
    stretch: float
    least: bool = True
    scorer: str = MODEL
    of: str = "value"

    def reached(self, value: float) -> str:
        """The best of stretch, excellent and must that `value` satisfies, else "missed"; "not measured" for a missing value."""
        if pd.isna(value):
            return "not measured"
        for name, bound in (("stretch", self.stretch), ("excellent", self.excellent), ("must", self.must)):
            if value >= bound if self.least else value <= bound:
                return name
        return "missed"


TARGETS: tuple[Target, ...] = (
    Target("Mailing AUC", "mailing", CLOSED, "auc", 0.820, 0.835, 0.842),
    Target("Mailing PR AUC", "mailing", CLOSED, "pr_auc", 0.54, 0.57, 0.585),
    Target("Mailing log loss", "mailing", CLOSED, "log_loss", 0.338, 0.328, 0.325, least=False),
    Target("Mailing calibration error", "mailing", CLOSED, "ece", 0.035, 0.020, 0.015, least=False),
    Target("AUC gain over coupon-basket frequency", "mailing", CLOSED, "auc", 0.05, 0.068, 0.075, scorer="purchase_frequency", of="gain"),
    Target("Mailings stopped keeping 95 %", "mailing", CLOSED, "stopped_keeping_95", 0.26, 0.31, 0.34),
    Target("Mailings stopped keeping 90 %", "mailing", CLOSED, "stopped_keeping_90", 0.42, 0.45, 0.48),
    Target("Mailings stopped keeping 80 %", "mailing", CLOSED, "stopped_keeping_80", 0.58, 0.60, 0.63),
    Target("Kept at the threshold for 90 %", "mailing", CLOSED, "kept_at_threshold", 0.90, 0.93, float("nan")),
    Target("Stopped at the threshold for 90 %", "mailing", CLOSED, "stopped_at_threshold", 0.33, 0.37, 0.42),
    Target("Offer NDCG at 5, all", "offer", CLOSED, "ndcg_5", 0.37, 0.40, 0.42),
    Target("Offer NDCG at 5, few offers (B and C)", "offer", FEW, "ndcg_5", 0.58, 0.63, 0.66),
    Target("Offer AUC, all", "offer", CLOSED, "auc", 0.93, 0.945, 0.95),
    Target("Offer AUC, few offers (B and C)", "offer", FEW, "auc", 0.83, 0.86, 0.88),
    Target("Offers stopped keeping 95 %", "offer", CLOSED, "stopped_keeping_95", 0.68, 0.73, 0.76),
    Target("Offers stopped keeping 90 %", "offer", CLOSED, "stopped_keeping_90", 0.81, 0.85, 0.87),
)  # fmt: skip


JUDGED = ["figure", "must", "excellent", "stretch", "value", "low", "high", "reached"]


def judged(metrics: pd.DataFrame) -> pd.DataFrame:
    """figure, must, excellent, stretch, value, low, high, reached: a row a target, "not measured" where its figure is not in
    `metrics`; no row where the closed campaigns replayed are not `CAMPAIGNS`."""
    of_mailings = metrics[metrics.level.eq("mailing") & metrics.scorer.eq(MODEL) & metrics.metric.eq("auc")]
    sizes = of_mailings.set_index("subset").rows
    wanted = [f"campaign {name}" for name in CAMPAIGNS]
    if not {CLOSED, *wanted} <= set(sizes.index) or sizes[wanted].sum() != sizes[CLOSED]:
        return pd.DataFrame(columns=JUDGED)
    held = {tuple(line[k] for k in BACKTEST_METRICS.key): line for line in metrics.to_dict("records")}
    promised = held.get(("mailing", ALL, MODEL, PROMISED), {"value": PROMISE})["value"]
    rows = []
    for t in TARGETS:
        told = held.get((t.level, t.subset, t.scorer, t.metric), {})
        if t.metric.endswith("_at_threshold") and promised != PROMISE:
            told = {}
        names = ("gain", "gain_low", "gain_high") if t.of == "gain" else ("value", "low", "high")
        value, low, high = (float(told.get(name, "nan")) for name in names)
        bounds = {"must": t.must, "excellent": t.excellent, "stretch": t.stretch}
        rows.append(
            {"figure": t.meaning, **bounds, "value": value, "low": low, "high": high, "reached": t.reached(value)}
        )
    return pd.DataFrame(rows, columns=JUDGED)


def in_words(table: pd.DataFrame) -> str:
    """How many of the judged figures reach what they must, miss it, or were not measured."""
    if table.empty:
        return "no figure is judged: targets are set for other campaigns"
    count = table.reached.value_counts()
    missed, unknown = int(count.get("missed", 0)), int(count.get("not measured", 0))
    told = f"{len(table) - missed - unknown} of {len(table)} figures reach what they must"
    return told + (f", {missed} do not" if missed else "") + (f", {unknown} were not measured" if unknown else "")
