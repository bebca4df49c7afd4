"""When a model is trained out of turn: a table of nights, the answer and its words."""

from datetime import date, timedelta

import pytest

from ml.policy_sections import Monitoring
from ml.retraining import Watched, retraining_due

LIMITS = Monitoring(failing_nights=3, most_model_age_days=28, debounce_days=7)
LAST = date(2024, 3, 15)


def nights(drift: str, promise: str = "kept") -> list[Watched]:
    """The nights up to LAST, with the drift verdicts in words, the last of them with this promise."""
    verdicts = drift.split()
    days = [LAST - timedelta(days=len(verdicts) - 1 - at) for at in range(len(verdicts))]
    return [
        Watched(day, verdict, promise if day == LAST else "kept") for day, verdict in zip(days, verdicts, strict=True)
    ]


@pytest.mark.parametrize(
    ("drift", "promise", "trained", "asked", "retrain", "words"),
    [
        ("pass pass pass", "kept", "2024-03-10", None, False, "nothing asks for it: drift pass, promise kept"),
        ("fail fail fail", "kept", "2024-03-10", None, True, "drift has failed for 3 nights in a row"),
        ("fail pass fail", "kept", "2024-03-10", None, False, "nothing asks for it: drift fail, promise kept"),
        ("fail fail", "kept", "2024-03-10", None, False, "nothing asks for it: drift fail, promise kept"),
        ("pass pass pass", "broken", "2024-03-10", None, True, "fewer responders were kept than promised"),
        ("pass pass pass", "unknown", "2024-03-10", None, False, "nothing asks for it: drift pass, promise unknown"),
        ("pass pass pass", "kept", "2024-02-16", None, False, "nothing asks for it: drift pass, promise kept"),
        ("pass pass pass", "kept", "2024-02-15", None, True, "the champion is 29 days old"),
        ("fail fail fail", "broken", "2024-03-15", None, False, "the champion was trained for 2024-03-15, the newest night"),
        ("fail fail fail", "kept", None, None, False, "there is no champion: every night trains one until there is"),
        ("fail fail fail", "kept", "2024-03-10", "2024-03-14", False, "drift has failed for 3 nights in a row, but a training was asked for on 2024-03-14, 7 days must pass"),
        ("fail fail fail", "kept", "2024-03-10", "2024-03-08", True, "drift has failed for 3 nights in a row"),
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


def test_a_month_of_failing_nights_asks_four_times_not_every_night() -> None:
    asked, times = None, 0
    for at in range(3, 31):
        until = [Watched(LAST + timedelta(days=n), "fail", "kept") for n in range(at)]
        due = retraining_due(until, LAST - timedelta(days=1), asked, LIMITS)
        if due.retrain:
            asked, times = until[-1].night, times + 1
    assert times == 4
