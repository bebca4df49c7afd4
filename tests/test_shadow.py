"""Shadow nights: what a new model would have said beside the champion, and when it takes its place."""

from collections.abc import Iterator

import duckdb
import mlflow
import pandas as pd
import pytest

from ml.shadow import compare
from resources.database import schema_url
from tests.installation import Installation, installation
from tests.small_club import POLICY, small_club

SHADOWS = POLICY + "[promotion]\nshadow_nights = 1\n"
NIGHTS = ("2024-03-13", "2024-03-14", "2024-03-15")


def test_what_a_new_model_would_change_is_told_in_shares() -> None:
    rows = pd.DataFrame(
        {
            "member_id": [f"m{n}" for n in range(20)],
            "relevance": [0.3] * 5 + [0.1] * 15,
            "champion_relevance": [0.1] * 2 + [0.5] * 8 + [0.1] * 10,
        }
    )
    row = compare(rows, "8", "7", (0.2, 0.4)).iloc[0]
    assert (row.newly_reached, row.newly_stopped, row.mailings) == (0.1, 0.25, 20)
    assert "would stop 25.0% that go out, and send 10.0% that are stopped" in row.says


def test_of_fewer_than_twenty_members_nothing_but_their_number_is_told() -> None:
    rows = pd.DataFrame({"member_id": ["a"], "relevance": [0.3], "champion_relevance": [0.1]})
    row = compare(rows, "8", "7", (0.2, 0.4)).iloc[0]
    assert row.says == "fewer than 20 members were scored"
    assert row[["mean_relevance", "mean_champion", "newly_stopped", "newly_reached"]].isna().all()


@pytest.fixture(scope="module")
def at() -> Iterator[Installation]:
    with installation() as made:
        made.hand_in(small_club(), SHADOWS)
        yield made


def aliases(at: Installation) -> dict[str, str]:
    model = mlflow.MlflowClient(schema_url(at.url, "mlflow")).get_registered_model("relevance")
    return {name: str(version) for name, version in model.aliases.items() if name != "challenger"}


def shadowed(at: Installation, night: str) -> list[tuple[object, ...]]:
    path = at.home / "lake" / "shadow_scores" / f"business_date={night}"
    query = f"SELECT model_version, champion, mailings > 200, newly_stopped < 0.2 FROM '{path}/*.parquet'"
    return list(duckdb.sql(query).fetchall())


@pytest.mark.slow
def test_a_challenger_that_passes_scores_beside_the_champion_before_it_takes_its_place(at: Installation) -> None:
    assert at.call("nightly", "--as-of", NIGHTS[0]).code == 0
    assert aliases(at) == {"champion": "1"}  # a club without a champion does not wait for one
    assert shadowed(at, NIGHTS[0]) == []
    assert "(model 1," in at.call("nightly", "--as-of", NIGHTS[1]).text
    assert aliases(at) == {"champion": "1", "shadow": "2"}
    assert shadowed(at, NIGHTS[1]) == [("2", "1", True, True)]
    assert "(model 2," in at.call("nightly", "--as-of", NIGHTS[2]).text
    assert aliases(at) == {"champion": "2"}
