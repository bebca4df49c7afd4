"""Whether a new model is to be trained out of turn, from what monitoring has written. Pure: tables in, answer with its reason
out; the sensor in orchestration/ asks, and starts at most one run for an answer.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from ml.policy_models import Monitoring

SO_MANY = "too many columns at once"
NOTHING = "nothing could be compared"


@dataclass(frozen=True)
class Watched:
    """What one night's monitoring said.

    drift     verdict of all columns against the champion's training: pass, warn or fail
    promise   "kept": as promised; "broken": surely fewer responders kept than promised; "unknown"
    failed    the columns that failed by themselves; SO_MANY where more had drifted than may, NOTHING where none could be looked at
    """

    night: date
    drift: str
    promise: str
    failed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Due:
    """Is a new model due, and why, in words."""

    retrain: bool
    reason: str


def retraining_due(
    nights: Sequence[Watched],
    trained_for: date | None,
    asked_on: date | None,
    limits: Monitoring,
    known: Collection[str] = (),
) -> Due:
    """Due when the promise is broken, columns that had not failed before fail for some nights in a row, or the champion is too
    old; not when a model was trained for the newest night already, nor within some days of the last time that one was asked for.

    nights       oldest first
    trained_for  business date of the champion's training; None: there is no champion
    asked_on     business date of the last night that a training was asked for
    known        columns whose failing is no reason: they failed on the very night that the champion was trained for, as what
                 is counted since a young club began does, or when a training was last asked for; another cures neither
    """
    if not nights:
        return Due(False, "no night has been watched yet")
    last = nights[-1]
    if trained_for is None:
        return Due(False, "there is no champion: every night trains one until there is")
    if trained_for >= last.night:
        return Due(False, f"the champion was trained for {trained_for}, the newest night")
    why = _reason(nights, trained_for, limits, known)
    if not why:
        old = ", in nothing new" if last.drift == "fail" and last.failed and last.failed <= set(known) else ""
        return Due(False, f"nothing asks for it: drift {last.drift}{old}, promise {last.promise}")
    if asked_on is not None and (last.night - asked_on).days < limits.debounce_days:
        return Due(False, f"{why}, but a training was asked for on {asked_on}, {limits.debounce_days} days must pass")
    return Due(True, why)


def _reason(nights: Sequence[Watched], trained_for: date, limits: Monitoring, known: Collection[str]) -> str:
    last = nights[-1]
    if last.promise == "broken":
        return "fewer responders were kept than promised"
    newest = nights[-limits.failing_nights :]
    lasting = frozenset.intersection(*(night.failed for night in newest)) - set(known)
    if lasting and len(newest) == limits.failing_nights and all(night.drift == "fail" for night in newest):
        return f"drift has failed for {limits.failing_nights} nights in a row: {_listed(lasting)}"
    age = (last.night - trained_for).days
    return f"the champion is {age} days old" if age > limits.most_model_age_days else ""


def _listed(columns: Collection[str], most: int = 6) -> str:
    more = len(columns) - most
    return ", ".join(sorted(columns)[:most]) + (f" and {more} more" if more > 0 else "")
