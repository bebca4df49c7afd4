"""The model registry: MLflow. A model goes in with its parameters, metrics, plots and the digests of its data, and comes
out by alias or version with every file's sha256 checked. Which model deserves to be champion is decided in ml/promotion.py.
"""

import hashlib
import json
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import EllipsisType
from typing import Any

from ml.errors import ChampionMoved, DamagedModel, ModelOutlived, RegistryUnavailable, SettingsError
from resources.database import open_database, reaching_alone
from resources.settings import prepare_environment

NAME = "relevance"
CHAMPION = "champion"
CHALLENGER = "challenger"
SHADOW = "shadow"  # found good enough, and scoring beside the champion before it takes its place
BUSINESS_DATE = "business_date"
CLUB = "club"  # whose data the model was trained on: one club's model never scores another's members
PROMOTED = "promoted"
TOOK_PLACE_OF = "took_place_of"
ROLLED_BACK = "rolled_back"
PINNED = "pinned"
SHADOW_SINCE = "shadow_since"
ERASED_SINCE = "erased_since"  # the first day on which a member it learned from was erased
AWAY_SECONDS = 120.0
_DIGEST_TAG = "sha256."


@dataclass(frozen=True)
class Candidate:
    """A trained model on its way into the registry.

    files     name -> content of everything fitted (native ubj boosters and relevance.json)
    flavor    name of the booster in `files` that MLflow's own loader gives back
    figures   file name -> PNG
    tables    file name -> CSV, JSON or Markdown text
    data      lake table -> digest of what it was trained on
    """

    files: Mapping[str, bytes]
    flavor: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, bytes] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Registered:
    """A model version of the registry and its files, checked."""

    version: str
    run_id: str
    files: Mapping[str, bytes]
    tags: Mapping[str, str]
    metrics: Mapping[str, float] = field(default_factory=dict)


class Registry:
    """MLflow at one tracking URI, for one club. `artifacts` is where its files go when the URI is a database; `lock` is the
    PostgreSQL where those who move the champion wait for each other, MLflow's own unless another is given. Where MLflow failed after
    more than `patience` seconds it is not waited for again for AWAY_SECONDS: a night asks some twenty times."""

    def __init__(
        self,
        uri: str,
        artifacts: Path,
        club: str = "",
        lock: str = "",
        erased_model_days: int = 90,
        patience: float = 5.0,
    ):
        prepare_environment()
        self.erased_model_days = erased_model_days
        self.club = club
        self.uri = uri
        self.artifacts = artifacts
        self.lock = lock or uri
        self.patience = patience
        self._reached = False
        self._away_until = 0.0

    def register(self, candidate: Candidate, business_date: str) -> Registered:
        """Log a run, log its model, register it as `challenger`. Raises RegistryUnavailable."""
        import mlflow
        import mlflow.xgboost
        import xgboost

        with self._reaching("register a model"):
            client = self._client()
            booster = xgboost.Booster(model_file=bytearray(candidate.files[candidate.flavor]))
            tags = {**candidate.tags, BUSINESS_DATE: business_date, CLUB: self.club}
            tags |= {_DIGEST_TAG + name: _sha256(content) for name, content in candidate.files.items()}
            with mlflow.start_run(run_name=f"train {business_date}") as run, tempfile.TemporaryDirectory() as folder:
                mlflow.log_params({k: str(v)[:500] for k, v in candidate.params.items()})
                mlflow.log_metrics(dict(candidate.metrics))
                mlflow.set_tags({**candidate.tags, BUSINESS_DATE: business_date})
                mlflow.log_dict(dict(candidate.data), "data/digests.json")
                for name, text in candidate.tables.items():
                    mlflow.log_text(text, name)
                for name, png in candidate.figures.items():
                    path = Path(folder) / name
                    path.write_bytes(png)
                    mlflow.log_artifact(str(path), "plots")
                logged = mlflow.xgboost.log_model(
                    booster,
                    name="model",
                    model_format="ubj",
                    pip_requirements=[f"xgboost=={xgboost.__version__}"],
                )
                parts = Path(folder) / "parts"
                parts.mkdir()
                for name, content in candidate.files.items():
                    (parts / name).write_bytes(content)
                client.log_model_artifacts(logged.model_id, str(parts))
                self._ensure_name(client)
                version = client.create_model_version(
                    NAME, logged.model_uri, run.info.run_id, tags=tags, model_id=logged.model_id
                )
            client.set_registered_model_alias(NAME, CHALLENGER, version.version)
        return Registered(str(version.version), run.info.run_id, candidate.files, tags)

    def promote(
        self, version: str, business_date: str, reason: str, instead_of: str | EllipsisType | None = ...
    ) -> bool:
        """Note that a version is good enough, and make it champion unless that one was trained for a later date or is pinned.

        instead_of  the champion that the decision was made about (None: there was none; ...: whichever there is)
        Returns whether it is champion now. Raises RegistryUnavailable, and ChampionMoved where another is champion.
        """
        self._refuse_outlived(version)
        self.note(version, {PROMOTED: "true", "decision": reason})
        with self._one_at_a_time():
            before = self.alias(CHAMPION)
            if instead_of is not ... and before != instead_of:
                raise ChampionMoved(
                    f"version {version} was compared with version {instead_of}, and version {before} is champion now: "
                    "it is not promoted"
                )
            with self._reaching("promote a model"):
                client = self._client()
                if self.pinned() or (
                    before and self._leads(client.get_model_version(NAME, before).tags, business_date)
                ):
                    return False
                self._crown(client, version, before)
        return True

    def _leads(self, tags: Mapping[str, str], business_date: str) -> bool:
        """Is this champion the own club's, and trained for a later date."""
        return tags.get(CLUB) == self.club and tags[BUSINESS_DATE] > business_date

    def rollback(self, version: str | None, who: str, why: str) -> tuple[str, str]:
        """Make an earlier version champion again and pin it, so that no night undoes it: (champion before, champion now).

        version  None: the one that the champion took the place of
        Raises SettingsError for a version that was never found good enough, DamagedModel, RegistryUnavailable.
        """
        with self._one_at_a_time():
            before = self.alias(CHAMPION)
            if before is None:
                raise SettingsError("there is no champion, so there is nothing to roll back")
            to = version or self.tags(before).get(TOOK_PLACE_OF)
            if not to:
                raise SettingsError(f"version {before} was the first champion: name the version to go back to")
            if to == before:
                raise SettingsError(f"version {to} is the champion already")
            self._refuse_unfit(to)
            self._refuse_outlived(to)
            self.load(to)  # every byte as it was trained, before anything is changed
            with self._reaching("roll back a model"):
                client = self._client()
                self._crown(client, to, before)
                pin = {"version": to, "instead_of": before, "who": who, "why": why}
                client.set_registered_model_tag(NAME, PINNED, json.dumps(pin))
                client.set_model_version_tag(NAME, before, ROLLED_BACK, f"by {who}: {why}"[:5000])
        return before, to

    def pinned(self) -> dict[str, str]:
        """Who pinned which version and why; empty where the nights choose the champion."""
        with self._reaching("read the registry"):
            found = self._client().search_registered_models(f"name = '{NAME}'")
        told = found[0].tags.get(PINNED) if found else None
        return dict(json.loads(told)) if told else {}

    def release(self) -> dict[str, str]:
        """Let the nights choose the champion again; gives what was pinned, empty where nothing was."""
        with self._one_at_a_time():
            held = self.pinned()
            if held:
                with self._reaching("release the champion"):
                    self._client().delete_registered_model_tag(NAME, PINNED)
        return held

    def _refuse_unfit(self, version: str) -> None:
        with self._reaching("read a model"):
            found = self._client().search_model_versions(f"name = '{NAME}'")
        fit = sorted(int(v.version) for v in found if v.tags.get(PROMOTED) == "true" and v.tags.get(CLUB) == self.club)
        if not version.isdigit() or int(version) not in fit:
            raise SettingsError(
                f"version {version} was never found good enough to be champion; there are "
                + (", ".join(map(str, fit)) or "none")
            )

    def trained_with(self, dates: Collection[str], erased_on: date) -> int:
        """Note on every version trained for one of the business dates that it learned from a member erased since; gives how
        many there are. The first such day stays."""
        with self._reaching("read a model"):
            found = self._client().search_model_versions(f"name = '{NAME}'")
        own = [v for v in found if v.tags.get(CLUB) == self.club and v.tags.get(BUSINESS_DATE) in dates]
        for version in own:
            if ERASED_SINCE not in version.tags:
                self.note(str(version.version), {ERASED_SINCE: erased_on.isoformat()})
        return len(own)

    def _refuse_outlived(self, version: str) -> None:
        since = self.tags(version).get(ERASED_SINCE)
        if since and date.fromisoformat(since) + timedelta(days=self.erased_model_days) < datetime.now(UTC).date():
            raise ModelOutlived(
                f"version {version} learned from members who have been erased since {since}, more than"
                f" {self.erased_model_days} days ago (retention.erased_model_days): train a new one"
            )

    @staticmethod
    def _crown(client: Any, version: str, before: str | None) -> None:
        if before and before != version:
            client.set_model_version_tag(NAME, version, TOOK_PLACE_OF, before)
        client.set_registered_model_alias(NAME, CHAMPION, version)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Nobody else moves the champion meanwhile, whichever process or machine they are on: MLflow's own aliases belong
        to whoever writes last. Given back when the transaction ends, also by a process that is killed."""
        with reaching_alone(self.lock, "hemsil.champion"):
            yield

    def note(self, version: str, tags: Mapping[str, str]) -> None:
        """Tag a version."""
        with self._reaching("tag a model"):
            client = self._client()
            for name, value in tags.items():
                client.set_model_version_tag(NAME, version, name, value[:5000])

    def usable(self, business_date: str) -> Registered | None:
        """The model a night may use: the champion, or, where that was trained for a later date, the newest version found
        good enough that was not. None when there is none. Raises RegistryUnavailable, DamagedModel."""
        version = self.alias(CHAMPION)
        if version is None:
            return None
        with self._reaching("search the registry"):
            client = self._client()
            champion = client.get_model_version(NAME, version).tags
            if champion.get(CLUB) != self.club or champion[BUSINESS_DATE] > business_date:
                good = client.search_model_versions(f"name = '{NAME}' and tags.{PROMOTED} = 'true'")
                own = [v for v in good if v.tags.get(CLUB) == self.club and ROLLED_BACK not in v.tags]
                earlier = [v for v in own if v.tags[BUSINESS_DATE] <= business_date]
                if not earlier:
                    return None
                version = max(earlier, key=lambda v: (v.tags[BUSINESS_DATE], int(v.version))).version
        return self.load(str(version))

    def challenger(self, business_date: str) -> Registered | None:
        """The challenger if it was trained for that date, with its metrics; its files are not read. Raises RegistryUnavailable."""
        version = self.alias(CHALLENGER)
        if version is None:
            return None
        with self._reaching("read the challenger"):
            client = self._client()
            found = client.get_model_version(NAME, version)
            if (found.tags[BUSINESS_DATE], found.tags.get(CLUB)) != (business_date, self.club):
                return None
            metrics = client.get_run(found.run_id).data.metrics
        return Registered(version, str(found.run_id), {}, dict(found.tags), metrics)

    def shadow(self, version: str | None, since: str = "") -> None:
        """Let a version score beside the champion from a business date on; None: let nobody."""
        with self._reaching("name a shadow"):
            client = self._client()
            if version is None:
                client.delete_registered_model_alias(NAME, SHADOW)
            else:
                client.set_model_version_tag(NAME, version, SHADOW_SINCE, since)
                client.set_registered_model_alias(NAME, SHADOW, version)

    def tags(self, version: str) -> dict[str, str]:
        """What is noted of a version."""
        with self._reaching("read a model"):
            return dict(self._client().get_model_version(NAME, version).tags)

    def trained_by(self, run_id: str) -> tuple[str, dict[str, str], dict[str, str]]:
        """The version that an MLflow run registered, the run's parameters, and the digests of its data by table.

        Raises SettingsError where there is no such run, or it registered nothing.
        """
        import mlflow
        from mlflow.exceptions import MlflowException

        with self._reaching("read a run"):
            client = self._client()
            try:
                run = client.get_run(run_id)
            except MlflowException as error:
                if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                    raise
                raise SettingsError(f"MLflow has no run {run_id}") from None
            versions = client.search_model_versions(f"run_id = '{run_id}'")
            if not versions:
                raise SettingsError(f"run {run_id} registered no model")
            digests = mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/data/digests.json")
        return str(versions[0].version), dict(run.data.params), dict(digests)

    def alias(self, alias: str) -> str | None:
        """The version an alias points to, or None when there is no such alias."""
        from mlflow.exceptions import MlflowException

        with self._reaching("read the registry"):
            try:
                return str(self._client().get_model_version_by_alias(NAME, alias).version)
            except MlflowException as error:
                # MLflow says INVALID_PARAMETER_VALUE for a missing alias, RESOURCE_DOES_NOT_EXIST for a missing model.
                if "not found" in str(error):
                    return None
                raise

    def load(self, version: str) -> Registered:
        """A version's files. Raises DamagedModel when a file is missing or is not the one recorded at training."""
        import mlflow

        with self._reaching("load a model"):
            found = self._client().get_model_version(NAME, version)
        digests = {k.removeprefix(_DIGEST_TAG): v for k, v in found.tags.items() if k.startswith(_DIGEST_TAG)}
        with self._reaching("download a model"), tempfile.TemporaryDirectory() as folder:
            place = Path(mlflow.artifacts.download_artifacts(f"models:/{NAME}/{version}", dst_path=folder))
            files = _read_checked(place, digests)
        if files is None:
            raise DamagedModel(
                f"model version {version}: its files are not those that were trained (sha256 differs or a file is "
                "missing), so it is not used"
            )
        return Registered(str(found.version), str(found.run_id), files, dict(found.tags))

    def run_url(self, base: str, run_id: str) -> str:
        """Address of a run in MLflow's UI."""
        with self._reaching("read a run"):
            experiment = self._client().get_run(run_id).info.experiment_id
        return f"{base}/#/experiments/{experiment}/runs/{run_id}"

    def _client(self) -> Any:
        import mlflow

        self._reach()
        mlflow.set_tracking_uri(self.uri)
        mlflow.set_registry_uri(self.uri)
        if mlflow.get_experiment_by_name(NAME) is None:
            served = self.uri.startswith("http")
            mlflow.create_experiment(NAME, artifact_location=None if served else self.artifacts.as_uri())
        mlflow.set_experiment(NAME)
        return mlflow.MlflowClient()

    def _reach(self) -> None:
        """Try the database once before MLflow does, which would try for minutes."""
        if not self._reached and not self.uri.startswith("http"):
            engine = open_database(self.uri)
            try:
                engine.connect().close()
            finally:
                engine.dispose()
        self._reached = True

    def _ensure_name(self, client: Any) -> None:
        if not client.search_registered_models(f"name = '{NAME}'"):
            client.create_registered_model(
                NAME, description="Will this member answer this campaign, and with which offer?"
            )

    @contextmanager
    def _reaching(self, what: str) -> Iterator[None]:
        """Turn MLflow's and the network's errors into ours, without the address (it may hold a password)."""
        from mlflow.exceptions import MlflowException
        from requests import RequestException
        from sqlalchemy.exc import SQLAlchemyError

        if time.monotonic() < self._away_until:
            raise RegistryUnavailable(f"MLflow could not {what}: it did not answer a short while ago")
        began = time.monotonic()
        try:
            yield
        except (MlflowException, RequestException, SQLAlchemyError, OSError) as error:
            if time.monotonic() - began > self.patience:
                self._away_until = time.monotonic() + AWAY_SECONDS
            raise RegistryUnavailable(f"MLflow could not {what}: {type(error).__name__}") from error


def _read_checked(folder: Path, digests: Mapping[str, str]) -> dict[str, bytes] | None:
    """The files named by the digests, or None when one is missing or differs (or none was recorded)."""
    files: dict[str, bytes] = {}
    for name, digest in digests.items():
        path = folder / name
        if not path.is_file():
            return None
        content = path.read_bytes()
        if _sha256(content) != digest:
            return None
        files[name] = content
    return files or None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
