"""A night without MLflow: the last good model, checked to the byte, and rules where there is none."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import duckdb
import pytest

from orchestration.definitions import build_definitions
from resources.kept_models import KeptModels
from resources.platform import Platform
from resources.registry import Registered
from tests.installation import Installation, installation
from tests.small_club import small_club
from tests.whole_night import failure_of, run_job

AWAY = {"HEMSIL_MLFLOW_URI": "http://127.0.0.1:9"}  # nobody listens there


def model(version: str, date: str) -> Registered:
    return Registered(version, "run", {"relevance.json": version.encode()}, {"business_date": date})


@pytest.fixture
def kept(tmp_path: Path) -> KeptModels:
    """Three versions: of the 13th, the 14th and the 16th."""
    models = KeptModels(tmp_path / "models")
    for version, date in (("9", "2024-03-13"), ("10", "2024-03-14"), ("11", "2024-03-16")):
        models.keep(model(version, date))
    return models


def test_a_night_gets_the_newest_model_of_its_own_time(kept: KeptModels) -> None:
    assert kept.newest("2024-03-15") == model("10", "2024-03-14")
    assert kept.newest("2024-03-16") == model("11", "2024-03-16")
    assert kept.newest("2024-03-12") is None


def test_three_are_kept_and_one_that_is_there_is_not_written_again(kept: KeptModels) -> None:
    kept.keep(model("12", "2024-03-17"))
    kept.keep(model("12", "2024-03-17"))
    assert sorted(path.name for path in kept.folder.iterdir()) == ["10", "11", "12"]


@pytest.mark.parametrize("damage", ["a changed byte", "a missing file", "no manifest", "half a manifest"])
def test_a_damaged_copy_is_passed_over(kept: KeptModels, damage: str) -> None:
    place = kept.folder / "10"
    if damage == "a changed byte":
        (place / "relevance.json").write_bytes(b"11")
    elif damage == "a missing file":
        (place / "relevance.json").unlink()
    elif damage == "no manifest":
        (place / "model.json").unlink()
    else:
        (place / "model.json").write_text('{"version": "10"')
    assert kept.newest("2024-03-15") == model("9", "2024-03-13")


def test_a_copy_that_an_older_hemsil_wrote_is_passed_over(kept: KeptModels) -> None:
    kept.keep(Registered("12", "run", {"relevance.json": b'{"format": 2}'}, {"business_date": "2024-03-15"}))
    assert kept.newest("2024-03-15") == model("10", "2024-03-14")


def test_what_was_rolled_back_is_not_what_a_night_without_mlflow_uses(kept: KeptModels) -> None:
    kept.forget("10")
    kept.forget("99")
    assert kept.newest("2024-03-15") == model("9", "2024-03-13")


@pytest.fixture(scope="module")
def at() -> Iterator[Installation]:
    with installation() as made:
        made.hand_in(small_club())
        yield made


def scores(at: Installation, night: str) -> list[tuple[object, ...]]:
    path = at.home / "lake" / "scores" / f"business_date={night}"
    return list(duckdb.sql(f"SELECT DISTINCT model_version FROM '{path}/*.parquet'").fetchall())


@pytest.mark.slow
def test_without_mlflow_the_first_night_goes_by_rules_and_a_later_one_by_the_last_good_model(at: Installation) -> None:
    away = replace(at, more=AWAY)
    answer = away.call("nightly", "--as-of", "2024-03-13")
    assert answer.code == 0, answer.text
    assert "(model rules," in answer.text
    assert at.call("nightly", "--as-of", "2024-03-14").code == 0
    answer = away.call("nightly", "--as-of", "2024-03-15")
    assert answer.code == 0, answer.text
    assert (
        "Decided by the last model that a night has used, as the champion could not be had, or its scores were not sound (model 1,"
        in answer.text
    )
    assert scores(at, "2024-03-15") == [("1",)]
    assert at.rows("SELECT business_date::text, fallback_step, model_age_days FROM marts.batches ORDER BY 1") == [
        ("2024-03-13", "C", None),
        ("2024-03-14", "A", 0),
        ("2024-03-15", "B", 1),
    ]


class _Broken(BaseHTTPRequestHandler):
    """A server that answers everything with its own failure."""

    def do_GET(self) -> None:
        self.send_response(500)
        self.end_headers()

    do_POST = do_PATCH = do_GET  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def away(how: str) -> Iterator[str]:
    """The address of an MLflow that is not there, that takes calls and says nothing, or that answers with failures."""
    if how == "refused":
        yield AWAY["HEMSIL_MLFLOW_URI"]
    elif how == "silent":
        with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
            yield f"http://127.0.0.1:{silent.getsockname()[1]}"
    else:
        with ThreadingHTTPServer(("127.0.0.1", 0), _Broken) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_address[1]}"
            server.shutdown()


@pytest.fixture(scope="module")
def trained() -> Iterator[Installation]:
    """A night has been, so its model is kept; on the next, everything up to the new champion is done when MLflow goes away."""
    with installation() as made:
        made.hand_in(small_club())
        assert made.call("nightly", "--as-of", "2024-03-14").code == 0
        result = run_job(made, "nightly", "2024-03-15", assets_of(made, "sources", "features", "training"))
        assert result.success, failure_of(result)
        yield made


def assets_of(at: Installation, *groups: str) -> list[str]:
    specs = build_definitions(Platform(at.settings)).resolve_all_asset_specs()
    return [spec.key.to_user_string() for spec in specs if spec.group_name in groups]


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("how", ["refused", "silent", "failing"])
def test_a_night_whose_mlflow_goes_away_in_the_middle_ends_with_the_last_good_model(
    trained: Installation, how: str
) -> None:
    rest = assets_of(trained, "scoring", "decisions", "publishing", "monitoring")
    with away(how) as uri:
        without = replace(trained, more={"HEMSIL_MLFLOW_URI": uri})
        result = run_job(without, "nightly", "2024-03-15", rest)
    assert result.success, failure_of(result)
    assert scores(trained, "2024-03-15") == [("1",)]
    published = trained.rows(
        "SELECT fallback_step, model_version FROM platform.batches WHERE business_date = '2024-03-15'"
    )
    assert published == [("B", "1")]
