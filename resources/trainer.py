"""Training as the night does it: examples from the lake, the fit, and all of it into the registry with its plots and the
digests of its data. What is fitted and how is in ml/training.py.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ml import plots
from ml.canary import shuffled_auc
from ml.errors import DamagedModel
from ml.evaluation import binary_metrics
from ml.example_tables import EXAMPLE_TABLES, MAILING_EXAMPLES, OFFER_EXAMPLES
from ml.feature_dictionary import MAILING_INPUTS, NAMED_INPUTS, OFFER_INPUTS
from ml.fitting import Grow, grow_here
from ml.inclusion import with_people
from ml.leakage import CHOICE_ALONE, Suspect, refuse_leaks
from ml.model import RelevanceModel
from ml.model_card import model_card
from ml.source_tables import SOURCE_TABLES
from ml.training import Fitted, TrainingConfig, fit_model
from ml.validation import KEYS, VALIDATION, validation_rows
from resources.code_version import code_version
from resources.engine import is_spark
from resources.packages import made_with
from resources.platform import Platform
from resources.registry import Candidate
from resources.text_page import CARD, card_title, write_page

# Of some forty figures, those to show beside the asset; all are in MLflow.
HEADLINE = (
    "mailing_auc",
    "mailing_pr_auc",
    "mailing_log_loss",
    "mailing_ece",
    "offer_auc",
    "offer_ndcg_5",
    "popularity_auc",
    "threshold",
)
SHUFFLED_AUC, SHUFFLED_CHANCE = "shuffled_auc", "shuffled_chance"
READ_BACK = 10_000  # mailings and offers of which a fitted model and its files must say the same
MOST_TELLING, MOST_TELLING_AUC = "most_telling_input", "most_telling_input_auc"


@dataclass(frozen=True)
class Trained:
    """A registered challenger and what to show of it."""

    version: str
    url: str
    headline: Mapping[str, float]
    plots: Mapping[str, bytes]
    card: str


@dataclass(frozen=True)
class Learned:
    """A fit, the examples it learned from, and the input that tells most of the answers alone."""

    fitted: Fitted
    mailings: pa.Table
    offers: pa.Table
    telling: Suspect


def examples_of(
    platform: Platform, business_date: str, config: TrainingConfig
) -> tuple[pa.Table, pa.Table, Literal["choice", "pair"]]:
    """The lake's examples of a date that lie within the training window (mailings, offers) and their kind. Raises NotInLake."""
    lake = platform.lake
    kind = lake.manifest(MAILING_EXAMPLES.name, business_date).notes["kind"]
    since = platform.night(business_date).as_of - timedelta(days=config.window_days)
    mailings, offers = (
        lake.read_batches(table, business_date)
        .read_all()
        .filter(pc.field("as_of") >= pa.scalar(since, pa.timestamp("us")))
        for table in (MAILING_EXAMPLES, OFFER_EXAMPLES)
    )
    return mailings, offers, "pair" if kind == "pair" else "choice"


def learn(platform: Platform, business_date: str, config: TrainingConfig) -> Learned:
    """Fit on the lake's examples of a date. Raises TooFewExamples, LeakSuspected."""
    mailings, offers, kind = examples_of(platform, business_date, config)
    as_of = platform.night(business_date).as_of
    fitted = fit_model(mailings, offers, as_of, config, kind, grow=where_trees_grow(platform))
    # Looked for after fitting: on fewer rows than that takes, a feature may tell answers by mere chance.
    telling = refuse_leaks(mailings, MAILING_INPUTS) or Suspect("no input", 0.5)
    refuse_leaks(offers, OFFER_INPUTS if kind == "choice" else NAMED_INPUTS, CHOICE_ALONE)
    return Learned(fitted, mailings, offers, telling)


def where_trees_grow(platform: Platform) -> Grow:
    """This process; Spark's workers where the policy says so and the engine has any."""
    if platform.policy.training.trees == "spark" and is_spark(platform.engine):
        from resources.engine_spark_training import grow_on

        return grow_on(platform.engine.session, platform.engine.workers)
    return grow_here


def _refuse_altered(learned: Learned, files: Mapping[str, bytes]) -> None:
    """A night scores with what was read back from the files. Raises DamagedModel where that says anything else than what was fitted."""
    mailings, offers = (rows.slice(0, READ_BACK) for rows in (learned.mailings, learned.offers))
    fitted, again = learned.fitted.model, RelevanceModel.from_files(dict(files))
    same = np.array_equal(fitted.offer_relevance(offers)[0], again.offer_relevance(offers)[0])
    if fitted.mailing is not None:
        same &= np.array_equal(fitted.mailing_relevance(mailings)[0], again.mailing_relevance(mailings)[0])
    if not same:
        raise DamagedModel("the model read back from its files is not the one that was fitted, so it is not registered")


def train_challenger(platform: Platform, business_date: str, run_id: str) -> Trained:
    """Fit on the lake's examples of a date, keep what it said of past mailings, and register the model. Raises
    TooFewExamples, LeakSuspected, RegistryUnavailable, DamagedModel."""
    lake, config = platform.lake, training_config(platform)
    learned = learn(platform, business_date, config)
    fitted = learned.fitted
    mailed = platform.club(platform.night(business_date)).mailings
    channels = mailed.group_by("campaign_id", "member_id").aggregate(channel=mailed.channel.min()).to_pandas()
    said = fitted.validation.groupby(list(KEYS), as_index=False).max()
    rows = validation_rows(said, learned.mailings, channels)
    reader = pa.Table.from_pandas(rows, preserve_index=False).to_reader()
    lake.write(VALIDATION, business_date, reader, code_version=code_version(), run_id=run_id)
    shuffled = shuffled_auc(learned.mailings, config.seed, config.threads)
    popularity = binary_metrics(rows.answered.to_numpy(dtype=float), rows.popularity.to_numpy(dtype=float))
    metrics = fitted.metrics | {f"popularity_{name}": value for name, value in popularity.items()}
    metrics |= {SHUFFLED_AUC: shuffled.auc, SHUFFLED_CHANCE: shuffled.chance, MOST_TELLING_AUC: learned.telling.auc}
    figures = _figures(fitted)
    files = fitted.model.to_files()
    _refuse_altered(learned, files)
    data = {t.name: lake.manifest(t.name, business_date).digest for t in (*SOURCE_TABLES, *EXAMPLE_TABLES)}
    card = model_card(
        with_people(rows, _people(platform, business_date)),
        config,
        _facts(fitted, business_date, learned.mailings),
        config.seed,
    )
    candidate = Candidate(
        files=files,
        flavor=min(name for name in files if name.endswith(".ubj")),
        params=asdict(config),
        metrics={name: value for name, value in metrics.items() if pd.notna(value)},
        tags={
            "code_version": code_version(),
            "made_with": made_with(),
            "dagster_run": run_id,
            "kind": fitted.model.kind,
            MOST_TELLING: learned.telling.feature,
        },
        figures=figures,
        tables={**_tables(fitted), "model card.md": card},
        data=data,
    )
    registered = platform.registry.register(candidate, business_date)
    title, told = card_title(registered.version), "what it was trained on, and for whom it is good"
    page = card.replace("# Model card", f"# {title}", 1)  # the version's number is not known before
    write_page(page, CARD, title, told, platform.settings.reports / business_date, "note")
    return Trained(
        version=registered.version,
        url=platform.registry.run_url(platform.mlflow_address, registered.run_id),
        headline={name: metrics[name] for name in HEADLINE if pd.notna(metrics.get(name))},
        plots={name.removesuffix(".png"): png for name, png in figures.items()},
        card=card,
    )


def _people(platform: Platform, business_date: str) -> pd.DataFrame:
    """Age and place as the club knows them."""
    members = platform.club(platform.night(business_date)).members
    return members.select("member_id", "birth_year", "postcode").to_pandas()


def _facts(fitted: Fitted, business_date: str, mailings: pa.Table) -> dict[str, object]:
    """What the model card says of the training; counts only."""
    asked = mailings["as_of"].to_numpy()
    model = fitted.model
    return {
        "as known on": business_date,
        "past mailings": f"{model.examples:,}, of which {model.answers:,} were answered",
        "learned from": f"{fitted.metrics['learned_from']:,.0f}, of which {fitted.metrics['learned_answers']:,.0f} were answered",
        "campaigns": len(mailings["campaign_id"].unique()),
        "asked from": f"{pd.Timestamp(asked.min()):%Y-%m-%d} to {pd.Timestamp(asked.max()):%Y-%m-%d}",
        "kind": model.kind,
        "inputs": ", ".join(f"{len(names)} of the {stage} stage" for stage, names in model.features.items()),
        "code": code_version(),
        "made with": made_with(),
    }


def training_config(platform: Platform) -> TrainingConfig:
    """How the policy and the settings say to train."""
    policy = platform.policy
    return TrainingConfig(
        least_mailings=policy.training.least_mailings,
        least_answers=policy.training.least_responses,
        keep_responders=policy.relevance.keep_responders,
        threads=platform.settings.threads,
        seed=policy.chance.seed,
        **policy.model.model_dump(),
    )


def _figures(fitted: Fitted) -> dict[str, bytes]:
    scores = fitted.validation.relevance.to_numpy(dtype=float)
    figures = {
        "calibration.png": plots.calibration(fitted.calibration),
        "gain.png": plots.gain({"model": fitted.gain}),
        "scores.png": plots.histogram(
            scores, "Relevance on validation", "probability", {"threshold": fitted.model.threshold}
        ),
    }
    for stage, part in fitted.importance.groupby("stage"):
        shares = part.set_index("feature").gain_share
        figures[f"importance {stage}.png"] = plots.bars(shares, f"Importance, {stage} stage", "share of gain")
    return figures


def _tables(fitted: Fitted) -> dict[str, str]:
    features = "\n".join(f"{stage}: {name}" for stage, names in fitted.model.features.items() for name in names)
    return {
        "features.txt": features + "\n",
        "tables/importance.csv": fitted.importance.to_csv(index=False),
        "tables/calibration.csv": fitted.calibration.to_csv(index=False),
        "tables/gain.csv": fitted.gain.to_csv(index=False),
    }
