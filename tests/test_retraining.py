"""When a model is trained out of turn: a table of nights, the answer and its words."""

from datetime import date, timedelta

import pytest

from ml.policy_models import Monitoring
from ml.retraining import Watched, retraining_due

LIMITS = Monitoring(failing_nights=3, most_model_age_days=28, debounce_days=7)
LAST = date(2024, 3, 15)


def nights(drift: str, promise: str = "kept", failed: str = "price") -> list[Watched]:
    """The nights up to LAST, with the drift verdicts in words, the last of them with this promise; on those that fail, these columns do."""
    verdicts = drift.split()
    days = [LAST - timedelta(days=len(verdicts) - 1 - at) for at in range(len(verdicts))]
    return [
        Watched(day, said, promise if day == LAST else "kept", frozenset(failed.split() if said == "fail" else ()))
        for day, said in zip(days, verdicts, strict=True)
    ]


@pytest.mark.parametrize(
    ("drift", "promise", "trained", "asked", "retrain", "words"),
    [
        ("pass pass pass", "kept", "2024-03-10", None, False, "nothing asks for it: drift pass, promise kept"),
        ("fail fail fail", "kept", "2024-03-10", None, True, "drift has failed for 3 nights in a row: price"),
        ("fail pass fail", "kept", "2024-03-10", None, False, "nothing asks for it: drift fail, promise kept"),
        ("fail fail", "kept", "2024-03-10", None, False, "nothing asks for it: drift fail, promise kept"),
        ("pass pass pass", "broken", "2024-03-10", None, True, "fewer responders were kept than promised"),
        ("pass pass pass", "unknown", "2024-03-10", None, False, "nothing asks for it: drift pass, promise unknown"),
        ("pass pass pass", "kept", "2024-02-16", None, False, "nothing asks for it: drift pass, promise kept"),
        ("pass pass pass", "kept", "2024-02-15", None, True, "the champion is 29 days old"),
        ("fail fail fail", "broken", "2024-03-15", None, False, "the champion was trained for 2024-03-15, the newest night"),
        ("fail fail fail", "kept", None, None, False, "there is no champion: every night trains one until there is"),
        ("fail fail fail", "kept", "2024-03-10", "2024-03-14", False, "drift has failed for 3 nights in a row: price, but a training was asked for on 2024-03-14, 7 days must pass"),
        ("fail fail fail", "kept", "2024-03-10", "2024-03-08", True, "drift has failed for 3 nights in a row: price"),
    ],
)  # fmt: skip
def test_a_new_model_is_asked_for(
    drift: str, promise: str, trained: str | None, asked: str | None, retrain: bool, words: str
) -> None:
    day = {name: date.fromisoformat(text) if text else None for name, text in (("t", trained), ("a", asked))}
    due = retraining_due(nights(drift, promise), day["t"], day["a"], LIMITS)
    assert (due.retrain, due.reason) == (retrain, words)


def test_a_club_without_a_night_is_asked_nothing() -> None:
    assert retraining_due([], None, None, LIMITS).reason == "no night has been watched yet"


def test_columns_that_failed_when_the_champion_was_trained_ask_for_nothing() -> None:
    """What is counted since a young club began is never as it was in training: another training would not change that."""
    due = retraining_due(
        nights("fail fail fail", failed="tenure_days"), date(2024, 3, 10), None, LIMITS, {"tenure_days"}
    )
    assert (due.retrain, due.reason) == (False, "nothing asks for it: drift fail, in nothing new, promise kept")


def test_a_column_that_fails_beside_those_is_named_and_asks() -> None:
    watched = nights("fail fail fail", failed="price tenure_days")
    due = retraining_due(watched, date(2024, 3, 10), None, LIMITS, {"tenure_days"})
    assert (due.retrain, due.reason) == (True, "drift has failed for 3 nights in a row: price")


def test_another_column_every_night_is_not_one_that_lasts() -> None:
    watched = [Watched(LAST - timedelta(days=2 - at), "fail", "kept", frozenset({f"c{at}"})) for at in range(3)]
    assert not retraining_due(watched, date(2024, 3, 10), None, LIMITS).retrain


def test_a_month_of_one_and_the_same_drift_asks_once() -> None:
    asked, known, times = None, frozenset[str](), 0
    for at in range(3, 31):
        until = [Watched(LAST + timedelta(days=n), "fail", "kept", frozenset({"price"})) for n in range(at)]
        due = retraining_due(until, LAST - timedelta(days=1), asked, LIMITS, known)
        if due.retrain and due.reason.startswith("drift"):
            asked, known, times = until[-1].night, until[-1].failed, times + 1
    assert times == 1


def test_a_month_in_which_something_new_drifts_every_night_asks_four_times_not_every_night() -> None:
    asked, known, times = None, frozenset[str](), 0
    for at in range(3, 31):
        columns = frozenset(f"c{n}" for n in range(at))
        until = [Watched(LAST + timedelta(days=n), "fail", "kept", columns) for n in range(at)]
        due = retraining_due(until, LAST - timedelta(days=1), asked, LIMITS, known)
        if due.retrain:
            asked, known, times = until[-1].night, columns, times + 1
    assert times == 4
