"""Which figures of a backtest its report tells of whom, and which of them are kept when they are saved for a page of docs. How
they are told is in backtest_report.py.
"""

import pandas as pd

from ml.backtest import MODEL
from ml.backtest_frames import ALL, BROAD, CLOSED, IS_CLOSED, OF_ONE
from ml.baselines import ALS, BASELINES

OF_MAILINGS = ("auc", "pr_auc", "log_loss", "ece", "stopped_keeping_95", "stopped_keeping_90", "stopped_keeping_80")
APART_MAILINGS, APART_OFFERS = ("auc", "pr_auc", "stopped_keeping_90"), ("ndcg_5", "auc", "stopped_keeping_90")
AT_THRESHOLD = ("kept_at_threshold", "stopped_at_threshold")
OF_OFFERS = ("ndcg_5", "recall_5", "mrr", "auc", "pr_auc", "stopped_keeping_95", "stopped_keeping_90")


def of_rivals(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the model and the baselines."""
    return rows[rows.scorer.isin([MODEL, *(b.name for b in BASELINES), ALS])]


def saved_figures(metrics: pd.DataFrame) -> pd.DataFrame:
    """The rows of BACKTEST_METRICS that a page of docs tells, to six decimals: of single campaigns the model's alone, of
    parts and studies only how well they rank."""
    main = CLOSED if metrics.subset.eq(CLOSED).any() else ALL
    ranks = metrics.metric.isin({*OF_MAILINGS, *OF_OFFERS}) & metrics.value.notna()
    model, rivals = metrics.scorer.eq(MODEL), metrics.index.isin(of_rivals(metrics).index)
    alone = metrics.subset.str.startswith(OF_ONE)
    curve = metrics.metric.str.startswith("kept_stopping_") & metrics.level.eq("mailing")
    whole = ~metrics.metric.str.startswith(("kept_stopping_", "base_rate", "rows", "brier"))
    kept = (model & whole & ~alone) | (
        alone & model & (ranks | metrics.metric.isin({*AT_THRESHOLD, IS_CLOSED, "answers"}))
    )
    kept |= (rivals & (ranks & ~alone | curve & metrics.subset.eq(main))) | metrics.level.eq("stage")
    kept |= ranks & metrics.subset.isin([main, BROAD[2]])
    return metrics[kept].round(6)
