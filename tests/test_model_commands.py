"""`hemsil train` and `hemsil rollback` on an installation of its own: a model made again, a bad one taken back, and the night
after it.
"""

import json
import time
from collections.abc import Iterator

import duckdb
import mlflow
import pytest

from resources.database import schema_url
from tests.installation import Installation, installation
from tests.small_club import BUSINESS_DATE, POLICY, small_club

pytestmark = pytest.mark.slow

NIGHT = BUSINESS_DATE.isoformat()
FIVE_MINUTES = 300.0
SHOWN = "SELECT member_id, campaign_id, offer_id, relevance FROM marts.offer_table ORDER BY 1, 2, 3"


@pytest.fixture(scope="module")
def at() -> Iterator[Installation]:
    """A night has been: model 1 is champion."""
    with installation() as made:
        made.hand_in(small_club())
        answer = made.call("nightly", "--as-of", NIGHT)
        assert answer.code == 0, answer.text
        yield made


def client(at: Installation) -> mlflow.MlflowClient:
    return mlflow.MlflowClient(schema_url(at.url, "mlflow"))


def champion(at: Installation) -> str:
    return str(client(at).get_model_version_by_alias("relevance", "champion").version)


def offers(at: Installation) -> list[tuple[object, ...]]:
    """Who gets what, with its relevance."""
    path = at.home / "lake" / "offers_to_send" / f"business_date={NIGHT}"
    query = f"SELECT member_id, campaign_id, offer_id, relevance FROM '{path}/*.parquet' ORDER BY ALL"
    return list(duckdb.sql(query).fetchall())


def test_a_model_made_again_is_the_same_to_the_byte(at: Installation) -> None:
    run = client(at).get_model_version("relevance", "1").run_id
    answer = at.call("train", "--reproduce", run)
    assert answer.code == 0
    assert "version 1 was made again: the same predictions on" in answer.text
    assert "every file is the same byte for byte" in answer.text


def test_a_run_that_mlflow_does_not_have_is_named(at: Installation) -> None:
    answer = at.call("train", "--reproduce", "0" * 32)
    assert (answer.code, f"MLflow has no run {'0' * 32}" in answer.text) == (2, True)


def test_a_rollback_says_why_or_is_not_done(at: Installation) -> None:
    assert "say why" in at.call("rollback").text
    assert "version 1 was the first champion" in at.call("rollback", "--why", "shoes").text
    assert champion(at) == "1"


def test_what_was_promoted_and_why_is_noted_with_the_version(at: Installation) -> None:
    tags = client(at).get_model_version("relevance", "1").tags
    assert tags["promoted"] == "true"
    assert "against popularity" in tags["decision"]
    assert " alone has AUC " in tags["decision"]
    assert "xgboost " in tags["made_with"]
    figures = json.loads(tags["decision.figures"])
    assert figures["gain_popularity"] > 0.02
    assert "gain channel email" in figures
    run = client(at).get_model_version("relevance", "1").run_id
    card = mlflow.artifacts.load_text(client(at).get_run(run).info.artifact_uri + "/model card.md")
    assert card.startswith("# Model card")
    assert "as known on: 2024-03-15" in card.replace("- ", "")


def test_what_the_challenger_said_of_past_mailings_is_kept_beside_the_simple_scorers(at: Installation) -> None:
    path = at.home / "lake" / "validation_scores" / f"business_date={NIGHT}"
    rows, asks, least, most = duckdb.sql(
        "SELECT count(*), count(DISTINCT (as_of, campaign_id, member_id)), min(relevance), max(relevance) "
        f"FROM '{path}/*.parquet'"
    ).fetchall()[0]
    assert rows == asks > 200
    assert 0 <= least < most <= 1


@pytest.mark.promise("R10")
def test_a_rollback_shows_the_offers_of_the_earlier_model_and_the_next_night_does_not_undo_it(at: Installation) -> None:
    before = offers(at)
    shown = at.rows(SHOWN)
    (at.folder / "policy.toml").write_text(POLICY + "[chance]\nseed = 5\n")
    bad = at.call("nightly", "--as-of", NIGHT, "--again")
    assert "(model 2," in bad.text, bad.text
    assert offers(at) != before
    (at.folder / "policy.toml").write_text(POLICY)
    started = time.monotonic()
    answer = at.call("rollback", "--why", "offers for shoes only")
    assert time.monotonic() - started < FIVE_MINUTES
    assert "version 1 is champion again, instead of version 2" in answer.text
    assert offers(at) == before != []
    assert at.rows(SHOWN) == shown != []
    assert at.one("SELECT model_version FROM marts.batches WHERE is_current") == "1"
    kept = at.call("rollback", "2", "--why", "not so bad", "--keep-lists")
    assert "the lists shown are still those of version 1" in kept.text
    assert at.one("SELECT model_version FROM marts.batches WHERE is_current") == "1"
    assert "no list that is shown was made by version 2" in at.call("rollback", "1", "--why", "it was").text
    night = at.call("nightly", "--as-of", NIGHT, "--again")
    assert "(model 1," in night.text, night.text
    assert offers(at) == before
    assert champion(at) == "1"
    assert "it was" in client(at).get_model_version("relevance", "2").tags["rolled_back"]
    assert "the nights choose the champion" in at.call("rollback", "--release").text
