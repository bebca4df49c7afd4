"""A small invented club is asked about as the learning curve asks: who knows the truth, or was taught it, stops more than who learned from
answers."""

from pathlib import Path

import pytest

from benchmarks.learning_curve import measured


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_club_is_told_of_by_three_scores_on_the_same_mailings(tmp_path: Path) -> None:
    rows = {str(row["score"]): row for row in measured(600, 3, tmp_path)}
    assert [*rows] == ["our scores", "taught the truth", "the true chance"]
    assert len({(row["asked_about"], row["relevant"], row["answered"]) for row in rows.values()}) == 1
    known = rows["the true chance"]
    assert 0 < int(str(known["relevant"])) < int(str(known["asked_about"]))
    for losing in ("losing_5%", "losing_10%", "losing_20%"):
        ours, taught, true = (int(str(rows[name][losing])) for name in rows)
        assert 0 < ours < min(taught, true) <= 1000
