"""A small invented club is asked about as the learning curve asks: the oracle knows more than the taught, and no figure is missing."""

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
    assert int(str(known["losing_5%"])) <= int(str(known["losing_10%"])) <= int(str(known["losing_20%"]))
    assert int(str(known["losing_20%"])) > max(int(str(rows[name]["losing_20%"])) for name in [*rows][:2])
