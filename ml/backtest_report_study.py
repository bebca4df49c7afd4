"""What each part of the model, each family of features and more of the past earn, told in sections of the backtest's report.
Figures come from the rows of BACKTEST_METRICS; the other sections are in backtest_report.py.
"""

import pandas as pd

from ml import plots
from ml.backtest_frames import BROAD
from ml.backtest_parts import PART
from ml.backtest_study import ALONE, EVERYTHING, ONE_STAGE, PAST, WITHOUT
from ml.backtest_told import Section, Told, by_metric, gain_of, value_of

MAILING, OFFER = ("auc", "pr_auc", "log_loss"), ("ndcg_5", "auc")
_WORDS = {"auc": "AUC", "pr_auc": "PR AUC", "log_loss": "log loss", "ndcg_5": "NDCG at 5"}


def parts_section(told: Told) -> Section | None:
    """What the model has over each of its parts, and over one stage."""
    tables = []
    for level, subset, metrics in (
        ("mailing", told.main, MAILING),
        ("offer", told.main, OFFER),
        ("offer", BROAD[2], OFFER),
    ):
        held = told.rows(level, subset)
        table = earned(
            held[held.scorer.str.startswith(PART) | held.scorer.eq(ONE_STAGE)], metrics, "lost without the rest"
        )
        if not table.empty:
            tables.append(table.rename(columns={"": f"{level}s, {subset}"}))
    words = (
        "Each part alone, and what is lost by leaving out the others, on the same draws of members. One stage is one model of all "
        "pairs in place of two, fitted with as many bags as the study, and compared with two stages of the study."
    )
    return Section("What each part earns", words, tables) if tables else None


def ablation_section(told: Told) -> Section | None:
    """What each family of features earns: lost without it, and how far it gets alone."""
    mailings, offers = told.rows("mailing", told.main), told.rows("offer", told.main)
    lost = {
        "AUC lost without it (mailings)": _gains(mailings, WITHOUT, "auc"),
        "AUC of it alone (mailings)": _values(mailings, ALONE, "auc"),
        "NDCG at 5 lost without it (offers)": _gains(offers, WITHOUT, "ndcg_5"),
        "AUC lost without it (offers)": _gains(offers, WITHOUT, "auc"),
    }
    if not lost["AUC lost without it (mailings)"]:
        return None
    families = sorted({family for column in lost.values() for family in column})
    rows = [
        {"family": family, **{name: column.get(family, "") for name, column in lost.items()}} for family in families
    ]
    everything = by_metric(mailings[mailings.scorer.eq(EVERYTHING)])["auc"]
    words = (
        "Fits of the study, each with the same numbers of trees and bags; only the features differ. With everything the mailing AUC is "
        f"{value_of(everything)}. Families overlap, so what one of them loses is less than what it tells."
    )
    return Section("What each family of features earns", words, [pd.DataFrame(rows)])


def learning_section(told: Told) -> Section | None:
    """How much better the model gets with more of the past."""
    mailings, offers = told.rows("mailing", told.main), told.rows("offer", told.main)
    told_of = [s for s in mailings.scorer.unique() if s.startswith(PAST)]
    if not told_of:
        return None
    rows, points = [], []
    for scorer in told_of:
        whole, which = (by_metric(held[held.scorer.eq(scorer)]) for held in (mailings, offers))
        name = scorer.removeprefix(PAST)
        rows.append(
            {
                "members learned from": name,
                "AUC (mailings)": value_of(whole["auc"]),
                "lost to all": gain_of(whole["auc"]),
            }
            | {"NDCG at 5 (offers)": value_of(which["ndcg_5"]), "lost to all ": gain_of(which["ndcg_5"])}
        )
        points.append({"name": name, **{k: whole["auc"][k] for k in ("value", "low", "high")}})
    words = "The whole fit, with its own choice of trees and threshold, on the past of a share of the members, drawn by chance."
    figure = ("Mailing AUC", plots.spans(pd.DataFrame(points), "Mailing AUC by share of the past's members", "AUC"))
    return Section("What more of the past would earn", words, [pd.DataFrame(rows)], [figure])


def earned(rows: pd.DataFrame, metrics: tuple[str, ...], lost: str) -> pd.DataFrame:
    """A line a scorer: each metric with its interval, and what the first of them loses."""
    lines = []
    for scorer, part in rows.groupby("scorer", sort=False):
        held = by_metric(part)
        line = {"": str(scorer).removeprefix(PART).removeprefix("study: ")}
        line |= {_WORDS[m]: value_of(held[m], m == metrics[0]) for m in metrics if m in held}
        lines.append(line | {f"{_WORDS[metrics[0]]} {lost}": gain_of(held[metrics[0]])})
    return pd.DataFrame(lines)


def _gains(rows: pd.DataFrame, prefix: str, metric: str) -> dict[str, str]:
    held = rows[rows.scorer.str.startswith(prefix) & rows.metric.eq(metric)]
    return {str(row["scorer"]).removeprefix(prefix): gain_of(row) for row in held.to_dict("records")}  # type: ignore[arg-type]


def _values(rows: pd.DataFrame, prefix: str, metric: str) -> dict[str, str]:
    held = rows[rows.scorer.str.startswith(prefix) & rows.metric.eq(metric)]
    return {str(row["scorer"]).removeprefix(prefix): value_of(row) for row in held.to_dict("records")}  # type: ignore[arg-type]
