"""Whether a registered model can be made again: the same lake tables and parameters, fitted anew, compared byte by byte."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from ml.errors import SettingsError
from ml.example_tables import EXAMPLE_TABLES
from ml.model import RelevanceModel
from ml.training_config import TrainingConfig
from resources.platform import Platform
from resources.registry import BUSINESS_DATE, CLUB
from resources.trainer import Learned, learn


@dataclass(frozen=True)
class Reproduction:
    """How a model made again compares with the registered one.

    differing   files whose bytes differ
    rows        past mailings and offers that both were asked about
    most_apart  largest difference of two predictions
    """

    version: str
    business_date: str
    differing: tuple[str, ...]
    rows: int
    most_apart: float


def reproduce(platform: Platform, run_id: str) -> Reproduction:
    """Train an MLflow run's model again. Nothing is registered.

    Raises SettingsError for an unknown run, one of another club, or examples that are not those it was trained on;
    NotInLake where they are no longer kept; DamagedModel, RegistryUnavailable.
    """
    registry = platform.registry
    version, params, digests = registry.trained_by(run_id)
    tags = registry.tags(version)
    if tags.get(CLUB) != platform.club_id:
        raise SettingsError(f"run {run_id} trained a model of another club: set HEMSIL_SOURCE to that club's")
    date = tags[BUSINESS_DATE]
    names = [table.name for table in EXAMPLE_TABLES]
    changed = [name for name in names if platform.lake.manifest(name, date).digest != digests.get(name)]
    if changed:
        raise SettingsError(
            f"the lake's {' and '.join(changed)} of {date} are not those that run {run_id} learned from"
        )
    learned = learn(platform, date, config_of(params))
    again, before = learned.fitted.model, registry.load(version)
    files = again.to_files()
    differing = sorted(name for name in {*files, *before.files} if files.get(name) != before.files.get(name))
    scores = [_scores(model, learned) for model in (again, RelevanceModel.from_files(dict(before.files)))]
    apart = float(np.abs(scores[0] - scores[1]).max(initial=0.0))
    return Reproduction(version, date, tuple(differing), scores[0].size, apart)


def config_of(params: dict[str, str]) -> TrainingConfig:
    """A run's parameters as they were given. Raises SettingsError for one that this version of Hemsil does not know."""
    types = {name: type(value) for name, value in asdict(TrainingConfig()).items()}
    if unknown := sorted(params.keys() - types.keys()):
        raise SettingsError(f"this version of Hemsil does not know the parameters {', '.join(unknown)}")
    return TrainingConfig(**{name: types[name](value) for name, value in params.items()})


def _scores(model: RelevanceModel, learned: Learned) -> NDArray[np.float64]:
    """All that the model says of its examples: of the mailings where it has that stage, and of the offers."""
    offers = model.offer_relevance(learned.offers)[0]
    return offers if model.mailing is None else np.concatenate([model.mailing_relevance(learned.mailings)[0], offers])
