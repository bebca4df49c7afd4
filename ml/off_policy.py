"""What another policy of sending would have earned, estimated from a log whose mailings went out partly by chance. The
estimates and the gate that refuses them are here; what the answers are, and who would be sent what, is the caller's.

Let p be the probability with which the log's policy sent a row, t that of the policy asked about. A row weighs t/p where it was
sent and (1 - t)/(1 - p) where it was not: how much oftener the policy asked about would have done what was done.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ml.errors import InputError

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Log:
    """Decisions of the past, one a row, of equal length.

    member    ids or codes of the members, over whom is drawn for the intervals
    sent      True where the message went out
    reward    what came of it: 1 for an answer, or money
    logged    probability 0..1 with which the log's policy sent the row; nan = not recorded
    target    probability 0..1 with which the policy asked about would send it
    if_sent, if_unsent   a model's expected reward, fitted on other rows; both or neither. Only the doubly robust estimate
              needs them

    Raises InputError for arrays of other lengths, for a probability outside 0..1, and for a row that was done although the log's
    policy never did it.
    """

    member: npt.NDArray[np.generic]
    sent: npt.NDArray[np.bool_]
    reward: Values
    logged: Values
    target: Values
    if_sent: Values | None = None
    if_unsent: Values | None = None

    def __post_init__(self) -> None:
        arrays = {name: value for name, value in vars(self).items() if value is not None}
        lengths = {name: len(value) for name, value in arrays.items()}
        if len(set(lengths.values())) > 1:
            raise InputError(f"the arrays of a log must be of one length, not {lengths}")
        if (self.if_sent is None) != (self.if_unsent is None):
            raise InputError("a log has expected rewards for both sending and not sending, or for neither")
        for name in ("reward", "target", "if_sent", "if_unsent"):
            if name in arrays and not np.isfinite(arrays[name]).all():
                raise InputError(f"the {name} of a log must be finite")
        for name in ("logged", "target"):
            if ((arrays[name] < 0) | (arrays[name] > 1)).any():
                raise InputError(f"the {name} probability of a log must be 0..1")
        if np.where(self.sent, self.logged == 0, self.logged == 1).any():
            raise InputError("a log holds rows that its own policy, by the probability logged, never did")


@dataclass(frozen=True)
class OverlapLimits:
    """When a log says enough of a policy.

    least_members             members below which nothing is said
    least_effective           smallest effective sample size, in rows
    largest_weight_share      largest part of all weight that one member may have
    most_errors_off           how many standard errors the weights' mean may be from 1, which it is if the logged probabilities
                              are true
    """

    least_members: int = 20
    least_effective: float = 100.0
    largest_weight_share: float = 0.05
    most_errors_off: float = 4.0


@dataclass(frozen=True)
class Estimate:
    """A mean reward a row, with its 95 % interval by bootstrap over members."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class OffPolicy:
    """What a log says of a policy.

    unknown     why it cannot be known from this log, in a sentence; "" where it can. Then the estimates are None
    effective   effective sample size in rows, (sum of weights)^2 / sum of squared weights (Kish 1965); nan where there are no
                weights
    ips, self_normalised, doubly_robust   None also where the log has no expected rewards (the last)
    """

    unknown: str
    rows: int
    members: int
    effective: float = float("nan")
    mean_weight: float = float("nan")
    ips: Estimate | None = None
    self_normalised: Estimate | None = None
    doubly_robust: Estimate | None = None


def weights(log: Log) -> Values:
    """The weight of each row; nan where the probability was not recorded, or where no row could ever stand for it."""
    done = np.where(log.sent, log.logged, 1 - log.logged)
    wanted = np.where(log.sent, log.target, 1 - log.target)
    return np.divide(wanted, done, out=np.full(len(done), np.nan), where=done > 0)


def off_policy(log: Log, limits: OverlapLimits | None = None, *, seed: int = 0, draws: int = 1000) -> OffPolicy:
    """Mean reward a row under the policy asked about: inverse propensity score (Horvitz-Thompson 1952), the same self-normalised
    (Hajek; Swaminathan and Joachims 2015), and doubly robust (Dudik, Langford and Li 2011); or why it cannot be known."""
    codes = np.unique(log.member, return_inverse=True)[1]
    members = int(codes.max()) + 1 if len(codes) else 0
    weight = weights(log)
    why, effective, mean = _overlap(log, weight, codes, members, limits or OverlapLimits())
    if why:
        return OffPolicy(why, len(weight), members, effective, mean)
    parts: list[Values] = [np.ones(len(weight)), weight, weight * log.reward]
    if log.if_sent is not None and log.if_unsent is not None:
        expected = log.target * log.if_sent + (1 - log.target) * log.if_unsent
        parts.append(expected + weight * (log.reward - np.where(log.sent, log.if_sent, log.if_unsent)))
    sums: Values = np.stack([np.bincount(codes, part, members) for part in parts], axis=1).astype(np.float64)
    drawn = _redrawn(sums, seed, draws)
    totals = sums.sum(axis=0)
    return OffPolicy(
        "", len(weight), members, effective, mean,
        ips=_estimate(totals, drawn, 2, 0),
        self_normalised=_estimate(totals, drawn, 2, 1),
        doubly_robust=_estimate(totals, drawn, 3, 0) if len(parts) == 4 else None,
    )  # fmt: skip


def _overlap(
    log: Log, weight: Values, codes: npt.NDArray[np.intp], members: int, limits: OverlapLimits
) -> tuple[str, float, float]:
    """(why the log cannot say, or "", effective sample size, mean weight)."""
    nan = float("nan")
    if members < limits.least_members:
        return f"it holds fewer than {limits.least_members} members", nan, nan
    unrecorded = int(np.isnan(log.logged).sum())
    if unrecorded:
        return f"{unrecorded} of {len(weight)} rows have no probability of sending recorded", nan, nan
    never_sent = int(((log.logged == 0) & (log.target > 0)).sum())
    if never_sent:
        return f"the policy would send {never_sent} of {len(weight)} rows which the log's policy never sends", nan, nan
    always_sent = int(((log.logged == 1) & (log.target < 1)).sum())
    if always_sent:
        return (
            f"the policy would stop {always_sent} of {len(weight)} rows which the log's policy always sends",
            nan,
            nan,
        )
    total = float(weight.sum())
    effective = total**2 / float((weight**2).sum()) if total else 0.0
    mean = total / len(weight)
    if effective < limits.least_effective:
        why = f"its rows are worth {effective:.0f} of the policy's own, fewer than {limits.least_effective:.0f}"
        return why, effective, mean
    by_member = np.bincount(codes, weight, members)
    heaviest = float(by_member.max()) / total
    if heaviest > limits.largest_weight_share:
        return f"one member has {heaviest:.0%} of all weight", effective, mean
    error = float(np.sqrt(((by_member - mean * np.bincount(codes, minlength=members)) ** 2).sum())) / len(weight)
    if abs(mean - 1) > limits.most_errors_off * error + 1e-9:
        why = (
            f"the weights' mean is {mean:.2f} instead of 1, so the recorded probabilities are not those of the sending"
        )
        return why, effective, mean
    return "", effective, mean


def _redrawn(sums: Values, seed: int, draws: int) -> Values:
    """Sums over members drawn with replacement (draws x parts), from sums a member (members x parts)."""
    chance = np.random.default_rng([seed, len(sums)])
    found = np.empty((draws, sums.shape[1]))
    for draw in range(draws):
        found[draw] = np.bincount(chance.integers(0, len(sums), len(sums)), minlength=len(sums)) @ sums
    return found


def _estimate(totals: Values, drawn: Values, above: int, below: int) -> Estimate:
    some = drawn[:, below] > 0  # a draw of members none of whom weighs anything says nothing
    ratios = drawn[some, above] / drawn[some, below]
    low, high = np.quantile(ratios, (0.025, 0.975))
    return Estimate(float(totals[above] / totals[below]), float(low), float(high))
