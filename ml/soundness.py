"""Whether a night's scores are fit to decide by, whatever made them. Counts in, faults in words out; how they are counted and
what a night does with unsound scores is in resources/sound_scores.py.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ml.policy_sections import PositiveShare, Section

LEAST_ROWS = 100  # fewer say nothing of how scores are spread
LEAST_GROUP = 20  # members with one score: two who bought the same on the same days are no fault
LEAST_OFFERS = 10  # with fewer, one of them may well be best for most
BINS = 10
_Z = 5.0  # of chi-squared's standard deviations, beyond which few rows do not explain a difference


class Soundness(Section):
    """When scores are not fit to decide by. A model that gives such scores is not used that night: the one before it is, or
    rules are."""

    most_identical: PositiveShare = Field(
        0.01,
        description="Largest share of a campaign's members, of those who have bought, with one and the same score.",
    )
    most_psi: float = Field(
        0.2, gt=0, le=10, description="Largest population stability index of the scores against what the same model says of the 7 days before, of the campaigns that ran then."
    )  # fmt: skip
    top_offer_share: PositiveShare = Field(
        0.4,
        description=f"Largest share of members for whom one and the same offer is best, in campaigns of {LEAST_OFFERS} or more.",
    )


@dataclass(frozen=True)
class ScoreCounts:
    """What was counted of a night's scores.

    rows, unusable   scores, and those that are missing, not finite or outside 0..1
    identical        largest share of a campaign's members, of those who have bought, with one and the same score; campaigns of
                     fewer than LEAST_ROWS such members do not count, nor do groups below LEAST_GROUP
    top_share        share of members for whom the most frequent best offer is best, in campaigns of LEAST_OFFERS or more offers
    """

    rows: int
    unusable: int
    identical: float = 0.0
    top_share: float = 0.0


def stability(
    reference: NDArray[np.float64], weights: NDArray[np.float64], scores: NDArray[np.float64]
) -> float | None:
    """Population stability index of scores in the tenths of the reference, whose rows count by `weights`; None where either
    has fewer than LEAST_ROWS.

    >>> same = np.linspace(0, 1, 1_000)
    >>> round(stability(same, np.ones(1_000), same), 6)
    0.0
    """
    if min(reference.size, scores.size) < LEAST_ROWS or weights.sum() <= 0:
        return None
    order = np.argsort(reference, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    edges = np.unique([reference[order][np.searchsorted(reached, k / BINS)] for k in range(1, BINS)])
    places = (np.digitize(reference, edges), np.digitize(scores, edges))
    then = np.bincount(places[0], weights, len(edges) + 1) / weights.sum()
    now = np.bincount(places[1], minlength=len(edges) + 1) / scores.size
    then, now = (np.clip(share, 0.5 / scores.size, None) for share in (then, now))
    return float(((now - then) * np.log(now / then)).sum())


def most_by_chance(reference: int, scores: int) -> float:
    """The index that two samples of one population stay below: it is about chi-squared times (1/n + 1/m)."""
    freedom = BINS - 1
    return (freedom + _Z * math.sqrt(2 * freedom)) * (1 / reference + 1 / scores)


def faults(counts: ScoreCounts, psi: float | None, by_chance: float, limits: Soundness) -> Sequence[str]:
    """What is wrong with the scores, each with its number; empty where nothing is. `psi` None: not comparable."""
    found = []
    if counts.unusable:
        found.append(f"{counts.unusable:,} of {counts.rows:,} scores are no number within 0..1")
    if counts.identical > limits.most_identical:
        found.append(
            f"{counts.identical:.1%} of a campaign's members have one and the same score, at most {limits.most_identical:.1%} may"
        )
    if psi is not None and psi > max(limits.most_psi, by_chance):
        found.append(
            f"scores are spread unlike what the same model says of the same campaigns on the days before: stability index {psi:.2f}, at most "
            f"{max(limits.most_psi, by_chance):.2f}"
        )
    if counts.top_share > limits.top_offer_share:
        found.append(
            f"one offer is the best for {counts.top_share:.0%} of the members, at most {limits.top_offer_share:.0%}"
        )
    return found
