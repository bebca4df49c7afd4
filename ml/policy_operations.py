"""The sections of the policy that are about keeping house: what may be published, and how long things are kept. How members
are treated is in policy_sections.py.
"""

from pydantic import Field

from ml.policy_sections import Days, PositiveShare, Section


class Publishing(Section):
    """When a batch is too unlike the nights before to be shown, and how long one is shown."""

    shown_hours: float = Field(
        48.0, ge=1, le=168, description="How long tonight's batch is shown when no newer one comes."
    )
    opt_ins_share: PositiveShare = Field(
        0.001,
        description="Largest share of those stopped by law or their own word who may consent again between two nights.",
    )
    opt_ins_least: int = Field(
        10, ge=1, le=1_000_000, description="So many may always consent again, however small the club."
    )
    eligible_points: PositiveShare = Field(
        0.1, description="Most that the share of members who may be written to may move against the median of 7 days."
    )
    audience_share: PositiveShare = Field(
        0.2, description="Most that the audience of the same campaigns may move against the median of 7 days."
    )
    least_audience: int = Field(
        100, ge=1, le=1_000_000_000, description="Audience from which shares are compared: below it chance moves them."
    )


class Retention(Section):
    """How long what is known of members is kept, counted from when it was written. The newest night always stays."""

    lake_days: Days = Field(400, description="Days that a night's tables stay in the lake.")
    batch_days: Days = Field(
        400, description="Days that a published batch, and what was claimed of it, stays in the database."
    )
    export_days: Days = Field(14, description="Days that an exported file stays in the data folder.")
    erased_model_days: Days = Field(
        90, description="Days after an erasure that a model trained with the member's data may still be promoted."
    )
