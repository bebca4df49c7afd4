"""What each part of the model, each family of features and more of the past earn, told in sections of the backtest's report.
Figures come from the rows of BACKTEST_METRICS; the other sections are in backtest_report.py.
"""

from collections.abc import Callable

import pandas as pd

from ml import plots
from ml.backtest_frames import BROAD
from ml.backtest_parts import PART
from ml.backtest_study import ALONE, EVERYTHING, ONE_STAGE, PAST, STUDY, WITHOUT
from ml.backtest_told import WORDS, Section, Told, by_metric, gain_of, less_empty, value_of

MAILING, OFFER = ("auc", "pr_auc", "log_loss"), ("ndcg_5", "auc")


def parts_section(told: Told) -> Section | None:
    """What the model has over each of its parts."""
    tables = _tables(told, lambda scorer: scorer.startswith(PART), "the rest adds")
    words = (
        "Each part of the model alone, and what the rest of the model adds to it, on the same draws of members. Who answers alone, and which "
        "offer alone, are one of the two stages in place of their product."
    )
    return Section("What each part earns", words, tables) if tables else None


def stages_section(told: Told) -> Section | None:
    """Two stages beside one model of all pairs."""
    if not told.metrics.scorer.eq(ONE_STAGE).any():
        return None
    tables = _tables(told, lambda scorer: scorer in {EVERYTHING, ONE_STAGE}, "that two stages add")
    words = (
        "One model of the chance that a member answers an offer, fitted on answered offers and a sample of the others with the inputs of both "
        "stages; everything is the like of it in two stages, with as many bags."
    )
    return Section("What two stages earn", words, tables)


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
    return Section("What each family of features earns", words, [less_empty(pd.DataFrame(rows))])


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


def _tables(told: Told, chosen: Callable[[str], bool], added: str) -> list[pd.DataFrame]:
    """A table each of mailings, of offers, and of the offers of campaigns with few: a line a scorer."""
    tables = []
    for level, subset, metrics in (
        ("mailing", told.main, MAILING),
        ("offer", told.main, OFFER),
        ("offer", BROAD[2], OFFER),
    ):
        rows, lines = told.rows(level, subset), []
        for scorer, part in rows[rows.scorer.map(chosen)].groupby("scorer", sort=False):
            held = by_metric(part)
            line = {f"{level}s, {subset}": str(scorer).removeprefix(PART).removeprefix(STUDY)}
            line |= {WORDS[m]: value_of(held[m], m == metrics[0]) for m in metrics if m in held}
            lines.append(line | {f"{WORDS[metrics[0]]} {added}": gain_of(held[metrics[0]])})
        if lines:
            tables.append(less_empty(pd.DataFrame(lines)))
    return tables


def _gains(rows: pd.DataFrame, prefix: str, metric: str) -> dict[str, str]:
    held = rows[rows.scorer.str.startswith(prefix) & rows.metric.eq(metric)]
    return {str(row["scorer"]).removeprefix(prefix): gain_of(row) for row in held.to_dict("records")}  # type: ignore[arg-type]


def _values(rows: pd.DataFrame, prefix: str, metric: str) -> dict[str, str]:
    held = rows[rows.scorer.str.startswith(prefix) & rows.metric.eq(metric)]
    return {str(row["scorer"]).removeprefix(prefix): value_of(row) for row in held.to_dict("records")}  # type: ignore[arg-type]


STUDIED: tuple[Callable[[Told], Section | None], ...] = (
    parts_section,
    stages_section,
    ablation_section,
    learning_section,
)
