"""Replayed nights as tables: their scores, and figures of the model beside every baseline with intervals. The replaying is
in backtest.py, single figures in evaluation.py.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.backtest import KEYS, LOW, MODEL, Replay
from ml.backtest_parts import PART
from ml.backtest_study import ALONE, PAST, STUDY, WITHOUT, compared_with
from ml.backtest_tables import BACKTEST_METRICS, BACKTEST_SCORES
from ml.coverage import coverage, covered_share
from ml.ensemble import Values
from ml.evaluation import Ranked, calibration_bins, member_draws, ranking_by_group

LABELS = {*KEYS, "offer_id", "answered", "threshold", LOW}
ALL, CLOSED, OF_ONE = "all", "closed", "campaign "


FEW_OFFERS = 50
BROAD = (ALL, CLOSED, f"{CLOSED}, at most {FEW_OFFERS} offers")
PROBABILITIES = frozenset({MODEL, "logistic_regression"})  # scorers whose scores are probabilities
OF_PROBABILITIES = frozenset({"log_loss", "brier", "ece"})
PROMISED, IS_CLOSED = "promised", "closed"
Figures = dict[str, float]
COUNTS = frozenset({"rows", "answers", "base_rate", "groups"})


@dataclass(frozen=True)
class Campaign:
    """What the subsets are made of: its kind, how many offers it has, and is its time to answer over within the data."""

    kind: str
    offers: int
    closed: bool


def subsets(campaigns: Mapping[str, Campaign]) -> dict[str, list[str]]:
    """Name -> campaigns to measure together: all; those that are closed; of these each kind, and those with few offers
    (where many offers share a campaign, which of them a member was sent is often not recorded); each one alone."""
    closed = sorted(name for name, c in campaigns.items() if c.closed)
    named = {ALL: sorted(campaigns), CLOSED: closed}
    named[BROAD[2]] = [c for c in closed if campaigns[c].offers <= FEW_OFFERS]
    for kind in sorted({campaigns[c].kind for c in closed} - {""}):
        named[f"{CLOSED}, {kind}"] = [c for c in closed if campaigns[c].kind == kind]
    named |= {f"{OF_ONE}{c}": [c] for c in sorted(campaigns)}
    return {name: chosen for name, chosen in named.items() if chosen}


def scores_frame(replays: Sequence[Replay]) -> pd.DataFrame:
    """Rows of BACKTEST_SCORES: every mailing and every offer of the replayed nights, as the model scored them."""
    parts = []
    for replay in replays:
        version = model_digest(replay)
        for rows in (replay.mailings, replay.offers):
            frame = rows[[c for c in rows.columns if c in LABELS]].copy()
            frame["relevance"] = rows[MODEL].astype(float)
            frame["threshold"], frame["model_version"] = replay.threshold, version
            parts.append(frame)
    frame = pd.concat(parts, ignore_index=True)
    for name in ("offer_id", LOW):
        if name not in frame:
            frame[name] = None
    whole = frame[frame.offer_id.isna()].set_index(["campaign_id", "member_id"]).relevance
    keys = pd.MultiIndex.from_frame(frame[["campaign_id", "member_id"]])
    sent = whole.reindex(keys).to_numpy() >= frame.threshold.to_numpy()
    frame["verdict"] = np.where(sent, "send", "suppress")
    return frame[list(BACKTEST_SCORES.names)]


def model_digest(replay: Replay) -> str:
    """The identity of a replayed night's model: of the bytes that the night would have registered."""
    digest = hashlib.sha256()
    for name, content in sorted(replay.fitted.model.to_files().items()):
        digest.update(name.encode() + content)
    return digest.hexdigest()[:12]


def metrics_frame(
    replays: Sequence[Replay], campaigns: Mapping[str, Campaign], draws: int = 200, seed: int = 0
) -> pd.DataFrame:
    """Rows of BACKTEST_METRICS: every figure of the model, its parts and the baselines on the same rows, with intervals by
    bootstrap over members and the model's paired gain over each (the same draws). Parts, and fits of a study with the gain
    of their like over them, are measured on the broad subsets alone.

    draws   of the bootstrap for mailings; offers, a hundred times as many, have a quarter of them, and single campaigns
            and kinds only their figures for offers
    """
    levels = {
        "mailing": pd.concat([r.mailings.assign(threshold=r.threshold) for r in replays], ignore_index=True),
        "offer": pd.concat([r.offers for r in replays], ignore_index=True),
    }
    rows: list[dict[str, object]] = []
    for level, frame in levels.items():
        found: dict[tuple[object, ...], list[dict[str, object]]] = {}
        for subset, chosen in subsets(campaigns).items():
            broad = subset in BROAD
            of = (*chosen, broad)
            if of not in found:  # where all are closed, say, two subsets are the same
                held = frame[frame.campaign_id.isin(chosen)].reset_index(drop=True)
                count = draws if level == "mailing" else draws // 4 if broad else 0
                found[of] = [*_compared(held, level, broad, count, seed)] if len(held) else []
                found[of] += _tenths(held) if level == "mailing" and broad and len(held) else []
            rows += [{"level": level, "subset": subset, **row} for row in found[of]]
    rows += [
        {
            "level": "mailing",
            "subset": f"{OF_ONE}{name}",
            "scorer": MODEL,
            "metric": IS_CLOSED,
            "value": float(told.closed),
            "rows": 0,
        }
        for name, told in campaigns.items()
    ]
    return pd.DataFrame(rows, columns=list(BACKTEST_METRICS.names))


def _compared(frame: pd.DataFrame, level: str, broad: bool, count: int, seed: int) -> Iterator[dict[str, object]]:
    drawn = member_draws(frame.member_id.to_numpy(), count, seed)
    scorers = [c for c in frame.columns if c not in LABELS and frame[c].notna().all()]
    if not broad:
        scorers = [c for c in scorers if not c.startswith(PART) and compared_with(c) is None]
    told = {name: _measured(_measure(frame, name, level), drawn) for name in scorers}
    for name, (value, draws) in told.items():
        rival = compared_with(name) or MODEL
        best, best_draws = told.get(rival, told[MODEL])
        for metric in value:
            if metric in COUNTS and name != MODEL:
                continue
            if (
                metric in OF_PROBABILITIES
                and name not in PROBABILITIES
                and not name.startswith((PART, STUDY, WITHOUT, ALONE, PAST))
            ):
                continue
            low, high = _spread([d[metric] for d in draws])
            row: dict[str, object] = {
                "scorer": name,
                "metric": metric,
                "value": value[metric],
                "low": low,
                "high": high,
                "rows": len(frame),
            }
            if name != rival:
                gain = _spread([m[metric] - d[metric] for m, d in zip(best_draws, draws, strict=True)])
                row |= {"gain": best[metric] - value[metric], "gain_low": gain[0], "gain_high": gain[1]}
            yield row


def _measured(measure: Callable[[Values | None], Figures], drawn: Sequence[Values]) -> tuple[Figures, list[Figures]]:
    return measure(None), [measure(weight) for weight in drawn]


def _measure(frame: pd.DataFrame, scorer: str, level: str) -> Callable[[Values | None], dict[str, float]]:
    answered = frame.answered.to_numpy(dtype=float)
    ranked = Ranked.of(answered, frame[scorer].to_numpy(dtype=float))
    if level == "mailing":
        return _with_threshold(frame, ranked) if scorer == MODEL else ranked.figures
    ask = frame.groupby(KEYS, sort=False).ngroup()
    by_ask = ranking_by_group(ask, answered, frame[scorer].to_numpy(dtype=float))
    first = np.flatnonzero(~ask.duplicated().to_numpy())
    at = first[by_ask.index.to_numpy()] if len(by_ask) else first[:0]

    def figures(weight: Values | None) -> dict[str, float]:
        w = np.ones(len(by_ask)) if weight is None else weight[at]
        total = w.sum()
        means = {str(n): float((v.to_numpy() * w).sum() / total) if total else float("nan") for n, v in by_ask.items()}
        return ranked.figures(weight) | means | {"groups": float(total)}

    return figures


def _with_threshold(frame: pd.DataFrame, ranked: Ranked) -> Callable[[Values | None], dict[str, float]]:
    """The ranking's figures, and what the thresholds fixed before the nights kept of the answers and stopped of all."""
    sent = (frame[MODEL].astype(float) >= frame.threshold).to_numpy(dtype=float)
    answered = frame.answered.to_numpy(dtype=float)

    def figures(weight: Values | None) -> dict[str, float]:
        w = np.ones(sent.size) if weight is None else weight
        answers = float((w * answered).sum())
        kept = float((w * answered * sent).sum()) / answers if answers else float("nan")
        return ranked.figures(weight) | {
            "kept_at_threshold": kept,
            "stopped_at_threshold": 1 - float((w * sent).sum() / w.sum()),
        }

    return figures


def _tenths(frame: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Tenths of the mailings by the model's relevance: what was predicted, the lower bound, and what was observed (with the
    95 % interval of its share); and, in tenths of each campaign, how many observed shares are not below their bound."""
    answered, relevance, low = (frame[c].to_numpy(dtype=float) for c in ("answered", MODEL, LOW))
    bins = calibration_bins(answered, relevance)
    parts = np.array_split(np.argsort(relevance, kind="stable"), len(bins))
    for tenth, (seen, part) in enumerate(zip(bins.to_dict("records"), parts, strict=True), start=1):
        told = {
            "predicted": {"value": seen["predicted"]},
            "bound": {"value": float(low[part].mean())},
            "observed": {"value": seen["observed"], "low": seen["low"], "high": seen["high"]},
        }
        for name, values in told.items():
            yield {"scorer": MODEL, "metric": f"{name}_tenth_{tenth}", "rows": part.size, **values}
    groups = pd.concat([
        coverage(answered[at], relevance[at], low[at]) for at in frame.groupby("campaign_id").indices.values()
    ])  # fmt: skip
    yield {"scorer": MODEL, "metric": "bound_held", "value": covered_share(groups), "rows": len(groups)}


def promise_row(keep: float) -> pd.DataFrame:
    """The row of BACKTEST_METRICS that says which share of responders the thresholds were to keep."""
    row = {"level": "mailing", "subset": ALL, "scorer": MODEL, "metric": PROMISED, "value": keep, "rows": 0}
    return pd.DataFrame([row], columns=list(BACKTEST_METRICS.names))


def stage_rows(costs: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    """Rows of BACKTEST_METRICS: what each stage of the run cost. `costs`: metric -> stage -> value."""
    rows = [
        {"level": "stage", "subset": ALL, "scorer": stage, "metric": metric, "value": value, "rows": 0}
        for metric, by_stage in costs.items()
        for stage, value in by_stage.items()
    ]
    return pd.DataFrame(rows, columns=list(BACKTEST_METRICS.names))


def _spread(values: Sequence[float]) -> tuple[float, float]:
    held = np.asarray([v for v in values if np.isfinite(v)])
    return (
        (float(np.quantile(held, 0.025)), float(np.quantile(held, 0.975)))
        if held.size
        else (float("nan"), float("nan"))
    )
