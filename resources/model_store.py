"""MLflow as a store of models. A model goes in with its parameters, metrics, plots and the digests of its data, and comes out by
alias or version with every file's sha256 checked. Who is champion is in registry.py.
"""

import hashlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ml.errors import DamagedModel, RegistryUnavailable, SettingsError
from ml.model import refuse_other_format
from resources.database import open_database
from resources.registered import BUSINESS_DATE, CHALLENGER, CLUB, NAME, Candidate, Registered
from resources.settings import prepare_environment

AWAY_SECONDS = 120.0
_DIGEST_TAG = "sha256."


class ModelStore:
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

    def load(self, version: str) -> Registered:
        """A version's files. Raises DamagedModel when a file is missing, is not the one recorded at training, or of another format."""
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
        try:
            refuse_other_format(files)
        except DamagedModel as why:
            raise DamagedModel(f"model version {version} is not used: {why}") from None
        return Registered(str(found.version), str(found.run_id), files, dict(found.tags))

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

    def tags(self, version: str) -> dict[str, str]:
        """What is noted of a version."""
        with self._reaching("read a model"):
            return dict(self._client().get_model_version(NAME, version).tags)

    def note(self, version: str, tags: Mapping[str, str]) -> None:
        """Tag a version."""
        with self._reaching("tag a model"):
            client = self._client()
            for name, value in tags.items():
                client.set_model_version_tag(NAME, version, name, value[:5000])

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
