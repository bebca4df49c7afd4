"""The sections of the policy on models: when and how one is trained, when it is promoted, and what is watched of it after. What
members and messages are decided by is in policy_sections.py.
"""

from typing import Literal

from pydantic import Field

from ml.policy_sections import Days, PositiveShare, Section, Share


class Training(Section):
    """When a model may be trained."""

    least_responses: int = Field(
        50, ge=1, le=1_000_000, description="Fewest answered mailings to train on; below it the night goes by rules."
    )
    least_mailings: int = Field(
        500, ge=1, le=100_000_000, description="Fewest mailings with a closed answer window to train on."
    )
    most_mailings: int = Field(
        1_000_000,
        ge=500,
        le=100_000_000,
        description="Most mailings that are learned from, about: of a larger past only a part of the members is, drawn by a digest of their ids. A million take some 6 GB.",
    )
    trees: Literal["here", "spark"] = Field(
        "here",
        description="Where trees are grown: here, in the night's process, or by Spark's workers (xgboost.spark) where HEMSIL_ENGINE names a Spark.",
    )


class Model(Section):
    """How the model is trained. A search proposes other values; what is written here is what is used."""

    window_days: Days = Field(36_500, description="How far back past mailings are learned from.")
    bags: int = Field(5, ge=1, le=50, description="Models whose mean is the estimate.")
    bag_share: float = Field(0.8, ge=0.1, le=0.95, description="Share of the members that each of them is fitted on.")
    blocks: int = Field(
        4, ge=1, le=20, description="Times that the past is cut to be predicted by what came before it."
    )
    unanswered: int = Field(20, ge=1, le=1_000_000, description="Most past mailings without an answer to learn from for each one with.")  # fmt: skip
    confidence: float = Field(0.75, ge=0.5, le=0.999, description="How sure the threshold is to keep the share of responders promised, campaigns differing as they did.")  # fmt: skip
    most_rounds: int = Field(300, ge=10, le=5000, description="Most trees that a bag may have.")
    depth: int = Field(4, ge=1, le=12, description="Depth of a tree.")
    learning_rate: float = Field(0.05, ge=0.001, le=1, description="How much each tree adds.")
    leaf_weight: float = Field(8.0, ge=0, le=10_000, description="Least weight of a leaf.")
    columns: float = Field(0.4, ge=0.05, le=1, description="Share of the inputs that a tree sees.")
    linear_strength: float = Field(0.02, ge=0, le=1_000_000, description="Of the linear partner, the inverse of its penalty; 0 trains none.")  # fmt: skip


class Promotion(Section):
    """When a trained model may take the champion's place. All on past mailings that it had not learned from."""

    least_gain: float = Field(
        0.02, ge=0, le=0.5, description="How far its AUC must be above that of category popularity, and of recency."
    )
    most_loss: float = Field(
        0.01, ge=0, le=0.5, description="How far its AUC may be below the champion's at the lower end of the interval, and below logistic regression's at the upper."
    )  # fmt: skip
    most_calibration_error: PositiveShare = Field(
        0.05, description="Largest expected calibration error of its probabilities."
    )
    kept_margin: Share = Field(
        0.05, description="How far the share of responders it keeps may be below what was promised."
    )
    least_slice_answers: int = Field(
        50, ge=1, le=1_000_000, description="Fewest answers to compare on, of a slice or with the champion."
    )
    shadow_nights: int = Field(
        0, ge=0, le=60, description="Nights that a new model scores beside the champion before it may take its place; 0 is none."
    )  # fmt: skip
    most_shuffled: float = Field(
        0.05, gt=0, le=0.5, description="How far from 0.5 the AUC of trees fitted on shuffled answers may be."
    )


class Monitoring(Section):
    """What is looked back on, and when a new model is asked for out of turn."""

    nights: int = Field(
        28, ge=3, le=366, description="Earlier nights that tonight's features and scores are compared with."
    )
    snapshot_days: Days = Field(
        91, description="How far back the champion's training snapshot goes that a night is compared with: what is counted since the beginning grows with every month."
    )  # fmt: skip
    failing_nights: int = Field(
        3,
        ge=1,
        le=366,
        description="Nights in a row that a column must fail against training, which did not when the champion was trained, before a new model is asked for.",
    )
    most_model_age_days: Days = Field(
        28, description="Oldest a champion may be, in days, before a new model is asked for."
    )
    debounce_days: Days = Field(7, description="Days after a training that was asked for before another is.")
    keep_reports: int = Field(90, ge=1, le=36_500, description="Newest nights whose HTML reports are kept.")
