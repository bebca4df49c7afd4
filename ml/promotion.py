"""Whether a trained model may go live. Pure: validation scores in, decision with its reason out; the registry only carries
it out. What the rows are and how they are made is in validation.py.

Every comparison is paired: both scorers on the same mailings, under the same bootstrap draws of members. Champion and
challenger are compared by what each said of mailings that neither had been fitted on when it said it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.canary import Shuffled
from ml.evaluation import Interval, Ranked, Values, binary_metrics, member_draws
from ml.leakage import ALONE, Suspect
from ml.policy_models import Promotion
from ml.validation import BASELINES, KEYS, SLICES

DRAWS = 200
NOT_MEASURED = float("nan")


@dataclass(frozen=True)
class Decision:
    """What was decided of a challenger, why in words, and the figures it was decided on."""

    promote: bool
    reason: str
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Check:
    """One condition of the gate: whether it is met, in words, and its figures."""

    met: bool
    words: str
    figures: Mapping[str, float]


def decide_promotion(
    rows: pd.DataFrame,
    champion: pd.DataFrame | None,
    limits: Promotion,
    *,
    keep_responders: float,
    threshold: float,
    shuffled: Shuffled,
    telling: Suspect,
    seed: int,
    too_old: bool = False,
) -> Decision:
    """Promote a challenger that meets every condition; the reason names those it fails, or else all that were looked at.

    rows          the challenger's VALIDATION rows
    champion      the champion's, of its own night; None where there is no champion
    threshold     the challenger's least relevance to be sent
    shuffled      the canary: what trees fitted on shuffled answers reach
    telling       the other canary: the input of a mailing that tells most of the answers alone
    too_old       the champion is older than it may be, so it gives way to one that is not shown to be worse
    """
    draws = member_draws(rows.member_id.to_numpy(), DRAWS, seed)
    checks = [
        *_against_baselines(rows, limits, draws),
        _calibrated(rows, limits),
        _keeps(rows, limits, keep_responders, threshold),
        *_slices(rows, limits, draws),
        _canary(shuffled, limits),
        _leak(telling),
        _against_champion(rows, champion, limits, seed, too_old),
    ]
    failed = [c.words for c in checks if not c.met]
    figures = {name: value for c in checks for name, value in c.figures.items() if np.isfinite(value)}
    return Decision(not failed, "; ".join(failed or [c.words for c in checks]), figures)


def gain(rows: pd.DataFrame, other: str, draws: Sequence[Values], than: str = "relevance") -> Interval:
    """How much higher the AUC of column `than` is than that of column `other`, with its paired interval."""
    answered = rows.answered.to_numpy(dtype=float)
    ours, theirs = (Ranked.of(answered, rows[name].to_numpy(dtype=float)) for name in (than, other))

    def ahead(weight: Values | None) -> float:
        return ours.figures(weight)["auc"] - theirs.figures(weight)["auc"]

    drawn = np.array([ahead(weight) for weight in draws])
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [0.025, 0.975]) if drawn.size else (NOT_MEASURED, NOT_MEASURED)
    return Interval(ahead(None), float(low), float(high))


def _against_baselines(rows: pd.DataFrame, limits: Promotion, draws: Sequence[Values]) -> list[Check]:
    checks = []
    for name in BASELINES:
        if rows[name].isna().any():
            checks.append(Check(True, f"{name} was not measured: the past is too short", {}))
            continue
        ahead = gain(rows, name, draws)
        # A model may be a logistic regression's equal, so only one that is surely worse by more than the margin is refused; it
        # must be better than what needs no model at all.
        needed = -limits.most_loss if name == "logistic" else limits.least_gain
        met = ahead.high >= needed if name == "logistic" else ahead.value >= needed and ahead.low > 0
        words = f"AUC {ahead.value:+.3f} ({ahead.low:+.3f} to {ahead.high:+.3f}) against {name}, needs {needed:+.3f}"
        checks.append(Check(met, words, {f"gain_{name}": ahead.value, f"gain_{name}_low": ahead.low}))
    return checks


def _calibrated(rows: pd.DataFrame, limits: Promotion) -> Check:
    error = binary_metrics(rows.answered.to_numpy(dtype=float), rows.relevance.to_numpy(dtype=float))["ece"]
    words = f"calibration error {error:.3f}, at most {limits.most_calibration_error:.3f}"
    return Check(error <= limits.most_calibration_error, words, {"ece": error})


def _keeps(rows: pd.DataFrame, limits: Promotion, promised: float, threshold: float) -> Check:
    kept = float((rows.relevance[rows.answered > 0] >= threshold).mean())
    least = promised - limits.kept_margin
    return Check(kept >= least, f"keeps {kept:.1%} of those who answer, needs {least:.1%}", {"kept": kept})


def _slices(rows: pd.DataFrame, limits: Promotion, draws: Sequence[Values]) -> list[Check]:
    """No slice with enough answers may be surely worse than by category popularity."""
    checks = []
    for label, chosen in slices(rows):
        part = rows[chosen]
        yes = int(part.answered.sum())
        if not limits.least_slice_answers <= yes < len(part) or part.popularity.isna().any():
            continue
        behind = gain(part, "popularity", [weight[chosen] for weight in draws])
        words = f"{label}: AUC {behind.value:+.3f} ({behind.low:+.3f} to {behind.high:+.3f}) against popularity"
        checks.append(Check(behind.high >= 0, words, {f"gain {label}": behind.value}))
    return checks


def slices(rows: pd.DataFrame, columns: Sequence[str] = SLICES) -> list[tuple[str, Values]]:
    """(name, mask) of each part of the members or mailings that is looked at by itself."""
    found = []
    for column in columns:
        values = rows[column]
        if values.dtype == bool:
            found.append((column.replace("_", " "), values.to_numpy()))
        else:
            kinds = sorted(values.dropna().unique())
            found += [(f"{column.replace('_', ' ')} {kind}", (values == kind).to_numpy()) for kind in kinds]
    return found


def _canary(shuffled: Shuffled, limits: Promotion) -> Check:
    most = max(limits.most_shuffled, shuffled.chance)
    words = f"fitted on shuffled answers it has AUC {shuffled.auc:.3f}, must be 0.5 give or take {most:.2f}"
    met = bool(abs(shuffled.auc - 0.5) <= most)  # NaN is not met
    return Check(met, words, {"shuffled_auc": shuffled.auc})


def _leak(telling: Suspect) -> Check:
    words = (
        f"{telling.feature} alone has AUC {telling.auc:.3f}, at most {ALONE:.2f} as more would have seen the answers"
    )
    met = bool(telling.auc <= ALONE)  # NaN, not looked for, is not met
    return Check(met, words, {"most_telling_auc": telling.auc})


def _against_champion(
    rows: pd.DataFrame, champion: pd.DataFrame | None, limits: Promotion, seed: int, too_old: bool
) -> Check:
    if champion is None:
        return Check(True, "there is no champion to compare with", {})
    both = rows.merge(champion[[*KEYS, "relevance"]], on=list(KEYS), suffixes=("", "_champion"))
    yes = int(both.answered.sum())
    if yes < limits.least_slice_answers or yes == len(both):
        return Check(
            True, f"only {yes} answers to mailings that both have scored: too few to compare with the champion", {}
        )
    ahead = gain(both, "relevance_champion", member_draws(both.member_id.to_numpy(), DRAWS, seed))
    words = (
        f"AUC {ahead.value:+.3f} ({ahead.low:+.3f} to {ahead.high:+.3f}) against the champion on {len(both):,} mailings "
        f"that neither had learned from, may lose at most {limits.most_loss:.3f}"
    )
    # A small club's interval is wide for ever. While the champion is young it stays; once it is too old to be trusted, the
    # figure itself has to do.
    if too_old:
        words += ", at the figure itself, as the champion is too old"
    met = (ahead.value if too_old else ahead.low) >= -limits.most_loss
    return Check(met, words, {"gain_champion": ahead.value, "gain_champion_low": ahead.low})
