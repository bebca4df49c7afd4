"""Replayed nights as tables: their scores, and figures of the model beside every baseline with intervals. The replaying is
in backtest.py, single figures in evaluation.py.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.backtest import KEYS, MODEL, Replay
from ml.backtest_tables import BACKTEST_METRICS, BACKTEST_SCORES
from ml.ensemble import Values
from ml.evaluation import Ranked, member_draws, ranking_by_group

LABELS = {*KEYS, "offer_id", "answered", "threshold"}
ALL, CLOSED = "all", "closed"


FEW_OFFERS = 50
BROAD = (ALL, CLOSED, f"{CLOSED}, at most {FEW_OFFERS} offers")
PROBABILITIES = frozenset({MODEL, "logistic_regression"})  # scorers whose scores are probabilities
OF_PROBABILITIES = frozenset({"log_loss", "brier", "ece"})
PROMISED = "promised"
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
    named |= {f"campaign {c}": [c] for c in sorted(campaigns)}
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
    if "offer_id" not in frame:
        frame["offer_id"] = None
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
    """Rows of BACKTEST_METRICS: every figure of the model and the baselines on the same rows, with intervals by bootstrap
    over members and the model's paired gain over each baseline (the same draws).

    draws   of the bootstrap for mailings; offers, a hundred times as many, have a quarter of them, and single campaigns
            and kinds only their figures for offers
    """
    levels = {
        "mailing": pd.concat([r.mailings.assign(threshold=r.threshold) for r in replays], ignore_index=True),
        "offer": pd.concat([r.offers for r in replays], ignore_index=True),
    }
    rows: list[dict[str, object]] = []
    for level, frame in levels.items():
        for subset, chosen in subsets(campaigns).items():
            held = frame[frame.campaign_id.isin(chosen)].reset_index(drop=True)
            if held.empty:
                continue
            broad = subset in BROAD
            count = draws if level == "mailing" else draws // 4 if broad else 0
            rows += [{"level": level, "subset": subset, **row} for row in _compared(held, level, count, seed)]
    return pd.DataFrame(rows, columns=list(BACKTEST_METRICS.names))


def _compared(frame: pd.DataFrame, level: str, count: int, seed: int) -> Iterator[dict[str, object]]:
    drawn = member_draws(frame.member_id.to_numpy(), count, seed)
    scorers = [c for c in frame.columns if c not in LABELS]
    measures = {name: _measure(frame, name, level) for name in scorers}
    own = [measures[MODEL](weight) for weight in drawn]
    for name, measure in measures.items():
        theirs = own if name == MODEL else [measure(weight) for weight in drawn]
        value, model = measure(None), measures[MODEL](None)
        for metric in value:
            if metric in COUNTS and name != MODEL:
                continue
            if metric in OF_PROBABILITIES and name not in PROBABILITIES:
                continue
            low, high = _spread([d[metric] for d in theirs])
            row: dict[str, object] = {
                "scorer": name,
                "metric": metric,
                "value": value[metric],
                "low": low,
                "high": high,
                "rows": len(frame),
            }
            if name != MODEL:
                gain = _spread([m[metric] - d[metric] for m, d in zip(own, theirs, strict=True)])
                row |= {"gain": model[metric] - value[metric], "gain_low": gain[0], "gain_high": gain[1]}
            yield row


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


def promise_row(keep: float) -> pd.DataFrame:
    """The row of BACKTEST_METRICS that says which share of responders the thresholds were to keep."""
    row = {"level": "mailing", "subset": ALL, "scorer": MODEL, "metric": PROMISED, "value": keep, "rows": 0}
    return pd.DataFrame([row], columns=list(BACKTEST_METRICS.names))


def stage_rows(seconds: Mapping[str, float], peak_mb: Mapping[str, float]) -> pd.DataFrame:
    """Rows of BACKTEST_METRICS: what each stage of the run cost. Peak memory is the process's by the end of the stage."""
    rows = [
        {"level": "stage", "subset": ALL, "scorer": stage, "metric": metric, "value": told[stage], "rows": 0}
        for stage in seconds
        for metric, told in (("seconds", seconds), ("peak_mb", peak_mb))
    ]
    return pd.DataFrame(rows, columns=list(BACKTEST_METRICS.names))


def _spread(values: Sequence[float]) -> tuple[float, float]:
    held = np.asarray([v for v in values if np.isfinite(v)])
    return (
        (float(np.quantile(held, 0.025)), float(np.quantile(held, 0.975)))
        if held.size
        else (float("nan"), float("nan"))
    )
