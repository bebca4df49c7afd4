"""The model registry on a real MLflow in a real PostgreSQL: what goes in comes out unchanged or not at all, and which version
a night may use.
"""

import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path

import mlflow
import numpy as np
import pytest
import xgboost

from ml.errors import ChampionMoved, DamagedModel, RegistryUnavailable, SettingsError
from resources.database import schema_url
from resources.home import prepare_database
from resources.registry import CHALLENGER, CHAMPION, NAME, Candidate, Registered, Registry
from tests.postgres import PostgresServer


@cache
def booster() -> bytes:
    x = np.arange(20, dtype=np.float32).reshape(-1, 1)
    trees = xgboost.train({"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(x, x[:, 0] > 10), 3)
    return bytes(trees.save_raw("ubj"))


def candidate(**other: object) -> Candidate:
    """A model small enough to be trained in a test, with one of everything that can travel beside it."""
    made = Candidate(
        files={"offer-0.ubj": booster(), "relevance.json": b'{"threshold": 0.25}'},
        flavor="offer-0.ubj",
        params={"depth": 4},
        metrics={"mailing_auc": 0.75},
        tags={"kind": "pair"},
        figures={"gain.png": b"\x89PNG"},
        tables={"features.txt": "answer_rate\n"},
        data={"transactions": "abc"},
    )
    return replace(made, **other)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def store(postgres_server: PostgresServer) -> Iterator[str]:
    """MLflow's URI in a database that it is alone in."""
    url = postgres_server.new_database()
    prepare_database(url, mlflow_here=True)
    yield schema_url(url, "mlflow")
    postgres_server.drop_database(url)


@pytest.fixture
def registry(store: str, tmp_path: Path) -> Iterator[Registry]:
    """A registry without a model."""
    yield Registry(store, tmp_path / "artifacts")
    client = mlflow.MlflowClient(store)
    if client.search_registered_models(f"name = '{NAME}'"):
        client.delete_registered_model(NAME)
    experiment = client.get_experiment_by_name(NAME)
    if experiment:  # its artifacts go away with tmp_path
        client.rename_experiment(experiment.experiment_id, f"{NAME} of {tmp_path}")


def register(registry: Registry, *dates: str) -> list[str]:
    """Versions trained for those dates, in that order."""
    return [registry.register(candidate(), date).version for date in dates]


def test_an_empty_registry_has_no_champion_and_no_challenger(registry: Registry) -> None:
    assert registry.alias(CHAMPION) is None
    assert registry.usable("2024-03-15") is None
    assert registry.challenger("2024-03-15") is None


def test_a_registered_model_is_the_challenger_and_comes_out_as_it_went_in(registry: Registry) -> None:
    registered = registry.register(candidate(), "2024-03-15")
    assert (registry.alias(CHALLENGER), registry.alias(CHAMPION)) == (registered.version, None)
    loaded = registry.load(registered.version)
    assert loaded.files == candidate().files
    assert loaded.tags["business_date"] == "2024-03-15"
    assert loaded.tags["kind"] == "pair"


def test_all_that_is_to_be_known_of_a_model_is_in_its_run(registry: Registry, store: str) -> None:
    registered = registry.register(candidate(), "2024-03-15")
    client = mlflow.MlflowClient(store)
    run = client.get_run(registered.run_id)
    assert run.data.params == {"depth": "4"}
    assert run.data.metrics["mailing_auc"] == 0.75
    base = run.info.artifact_uri
    assert mlflow.artifacts.load_dict(f"{base}/data/digests.json") == {"transactions": "abc"}
    assert mlflow.artifacts.load_text(f"{base}/features.txt") == "answer_rate\n"
    assert Path(base.removeprefix("file://"), "plots", "gain.png").read_bytes() == b"\x89PNG"
    assert mlflow.xgboost.load_model(f"models:/{NAME}@{CHALLENGER}").num_boosted_rounds() == 3


def test_a_challenger_is_that_of_its_date_only(registry: Registry) -> None:
    [version] = register(registry, "2024-03-15")
    found = registry.challenger("2024-03-15")
    assert isinstance(found, Registered)
    assert (found.version, found.metrics["mailing_auc"]) == (version, 0.75)
    assert registry.challenger("2024-03-16") is None


@pytest.mark.promise("F8")
@pytest.mark.parametrize("damage", ["a changed byte", "a missing file", "a file of another model"])
def test_a_model_whose_files_are_not_those_trained_is_refused(registry: Registry, damage: str) -> None:
    version, other = register(registry, "2024-03-14", "2024-03-15")
    registry.promote(version, "2024-03-14", "good")
    place, elsewhere = sorted(registry.artifacts.rglob("relevance.json"))
    if damage == "a missing file":
        place.unlink()
        elsewhere.unlink()
    else:
        for path in (place, elsewhere):
            path.write_bytes(b'{"threshold": 0.26}' if damage == "a changed byte" else b"{}")
    for damaged in (version, other):
        with pytest.raises(DamagedModel, match=f"model version {damaged}: its files are not those that were trained"):
            registry.load(damaged)
    with pytest.raises(DamagedModel):
        registry.usable("2024-03-15")


def test_a_model_that_an_older_hemsil_wrote_is_refused_by_its_format(registry: Registry) -> None:
    old = replace(candidate(), files={"offer-0.ubj": booster(), "relevance.json": b'{"format": 2}'})
    version = registry.register(old, "2024-03-15").version
    registry.promote(version, "2024-03-15", "good")
    with pytest.raises(DamagedModel, match=f"model version {version} is not used: it is of format 2"):
        registry.usable("2024-03-15")


# What each night may use, when models of these dates were trained in this order and all found good enough, and which
# of them is champion in the end.
TIMES = {
    ("10", "12"): ("12", {"09": None, "10": "10", "11": "10", "12": "12", "13": "12"}),
    ("12", "10"): ("12", {"09": None, "10": "10", "11": "10", "12": "12", "13": "12"}),
    ("12", "12"): ("12", {"11": None, "12": "12"}),
    ("08", "12", "10"): ("12", {"07": None, "09": "08", "11": "10", "12": "12"}),
}


@pytest.mark.parametrize("trained", TIMES)
def test_a_night_uses_the_newest_good_model_of_its_own_time(registry: Registry, trained: tuple[str, ...]) -> None:
    champion, nights = TIMES[trained]
    for date in trained:
        [version] = register(registry, f"2024-03-{date}")
        leads = registry.promote(version, f"2024-03-{date}", "good")
        assert leads == (date == max(trained[: trained.index(date) + 1]))
    in_charge = registry.alias(CHAMPION)
    assert in_charge is not None
    assert registry.load(in_charge).tags["business_date"] == f"2024-03-{champion}"
    for date, expected in nights.items():
        found = registry.usable(f"2024-03-{date}")
        assert (found and found.tags["business_date"]) == (expected and f"2024-03-{expected}")


def test_of_two_models_of_one_date_the_newer_is_used(registry: Registry) -> None:
    first, second = register(registry, "2024-03-10", "2024-03-10")
    [later] = register(registry, "2024-03-20")
    for version, date in ((second, "2024-03-10"), (first, "2024-03-10"), (later, "2024-03-20")):
        registry.promote(version, date, "good")
    found = registry.usable("2024-03-11")
    assert found is not None
    assert found.version == second


def test_a_model_not_found_good_enough_is_used_by_no_night(registry: Registry) -> None:
    good, bad = register(registry, "2024-03-10", "2024-03-11")
    registry.note(bad, {"decision": "no better than popularity"})
    assert registry.usable("2024-03-12") is None
    registry.promote(good, "2024-03-10", "good")
    found = registry.usable("2024-03-12")
    assert found is not None
    assert found.version == good


def test_a_registry_that_is_away_says_so_without_its_password(tmp_path: Path) -> None:
    away = Registry("postgresql://app:secret@127.0.0.1:1/mlflow", tmp_path)
    with pytest.raises(RegistryUnavailable) as caught:
        away.alias(CHAMPION)
    assert "secret" not in str(caught.value)


def test_a_registry_that_keeps_one_waiting_is_waited_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes calls and says nothing
        slow = Registry(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path, patience=0.5)
        with pytest.raises(RegistryUnavailable):
            slow.alias(CHAMPION)
        began = time.monotonic()
        for _ in range(20):
            with pytest.raises(RegistryUnavailable, match="it did not answer a short while ago"):
                slow.usable("2024-03-15")
        assert time.monotonic() - began < 0.5


@pytest.mark.promise("R10")
def test_of_two_promoters_at_once_one_wins_and_the_other_is_told(registry: Registry) -> None:
    first, a, b = register(registry, "2024-03-13", "2024-03-14", "2024-03-15")
    registry.promote(first, "2024-03-13", "good")
    start = threading.Barrier(2)

    def promote(version: str) -> str:
        own = Registry(registry.uri, registry.artifacts)
        start.wait()
        try:
            return f"{version} {own.promote(version, '2024-03-15', 'better', instead_of=first)}"
        except ChampionMoved as moved:
            return str(moved)

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(promote, (a, b)))
    champion = registry.alias(CHAMPION)
    loser = ({a, b} - {champion}).pop()
    assert told == [
        f"{champion} True",
        f"version {loser} was compared with version {first}, and version {champion} is champion now: it is not promoted",
    ]


@pytest.mark.promise("R10")
def test_a_rollback_brings_the_earlier_model_back_and_the_next_night_does_not_undo_it(registry: Registry) -> None:
    old, bad = register(registry, "2024-03-13", "2024-03-14")
    registry.promote(old, "2024-03-13", "good")
    registry.promote(bad, "2024-03-14", "better")
    assert registry.rollback(None, "kari", "offers for shoes only") == (bad, old)
    [tomorrow] = register(registry, "2024-03-15")
    assert not registry.promote(tomorrow, "2024-03-15", "better", instead_of=old)
    assert registry.alias(CHAMPION) == old
    found = registry.usable("2024-03-15")
    assert found is not None
    assert (found.version, found.files) == (old, candidate().files)
    assert registry.pinned() == {"version": old, "instead_of": bad, "who": "kari", "why": "offers for shoes only"}
    assert registry.tags(bad)["rolled_back"] == "by kari: offers for shoes only"


def test_after_a_release_the_nights_choose_again(registry: Registry) -> None:
    old, bad = register(registry, "2024-03-13", "2024-03-14")
    registry.promote(old, "2024-03-13", "good")
    registry.promote(bad, "2024-03-14", "better")
    registry.rollback(None, "kari", "shoes")
    assert registry.release()["who"] == "kari"
    assert registry.release() == {}
    [tomorrow] = register(registry, "2024-03-15")
    assert registry.promote(tomorrow, "2024-03-15", "better", instead_of=old)


def test_a_model_that_was_rolled_back_is_not_used_for_an_earlier_night_either(registry: Registry) -> None:
    old, bad, later = register(registry, "2024-03-13", "2024-03-14", "2024-03-16")
    for version, date in ((old, "2024-03-13"), (bad, "2024-03-14")):
        registry.promote(version, date, "good")
    registry.rollback(old, "kari", "shoes")
    registry.release()
    registry.promote(later, "2024-03-16", "good")
    found = registry.usable("2024-03-15")
    assert found is not None
    assert found.version == old


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("99", "version 99 was never found good enough to be champion; there are 1, 2"),
        ("3", "version 3 was never found good enough to be champion; there are 1, 2"),
        ("x' or", "version x' or was never found good enough"),
        ("2", "version 2 is the champion already"),
    ],
)
def test_a_rollback_to_a_model_that_was_not_good_is_refused(registry: Registry, version: str, words: str) -> None:
    first, second, _ = register(registry, "2024-03-13", "2024-03-14", "2024-03-15")
    registry.promote(first, "2024-03-13", "good")
    registry.promote(second, "2024-03-14", "good")
    with pytest.raises(SettingsError, match=re.escape(words)):
        registry.rollback(version, "kari", "shoes")
    assert registry.alias(CHAMPION) == second


def test_there_is_nothing_to_roll_back_before_the_second_champion(registry: Registry) -> None:
    with pytest.raises(SettingsError, match="there is no champion"):
        registry.rollback(None, "kari", "shoes")
    [only] = register(registry, "2024-03-13")
    registry.promote(only, "2024-03-13", "good")
    with pytest.raises(SettingsError, match=f"version {only} was the first champion: name the version to go back to"):
        registry.rollback(None, "kari", "shoes")
