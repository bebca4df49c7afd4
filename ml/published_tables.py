"""What marketers read: the views of schema `marts`. The definitions make the view's columns, their comments in the
database, and docs/tables.md. The SQL behind them is in resources/migrations.
"""

from dataclasses import replace

from ml.reasons import Reason
from ml.source_tables import MESSAGE_CLASSES
from ml.tables import Column, Table, Type

_BATCH = Column("batch_id", Type.STRING, "The published batch.")
_DATE = Column("business_date", Type.DATE, "The club's local date the batch is for.")
_MEMBER = Column("member_id", Type.STRING, "The member.", personal=True)
_CAMPAIGN = Column("campaign_id", Type.STRING, "The campaign.")

OFFER_TABLE = Table(
    "offer_table", "What to send: the current batch, less whoever has opted out since.", ("member_id", "slot"),
    (
        _BATCH, _DATE, _MEMBER,
        Column("slot", Type.INTEGER, "Place among the member's offers, 1 is the best."),
        _CAMPAIGN,
        Column("offer_id", Type.STRING, "The offer."),
        Column("channel", Type.STRING, "How to send it."),
        Column("relevance", Type.NUMBER, "Calibrated probability that the member answers with this offer; when the night went by rules a rate of the past in its place, missing for members of whom nothing was scored.", "share 0..1", nullable=True),
        Column("expected_value", Type.NUMBER, "Relevance x margin, less the costs of contact and fatigue.", "club currency", nullable=True),
        Column("reason", Type.STRING, "A sentence the member may read.", personal=True),
        Column("evidence", Type.JSON, "The facts and features behind it.", personal=True),
        Column("merge_fields", Type.JSON, "What the message needs: first name, language, title.", personal=True),
        Column("valid_from", Type.TIME, "Not to be sent before."),
        Column("valid_until", Type.TIME, "Not to be sent at or after."),
        Column("message_class", Type.STRING, "Class of its campaign: an objection to marketing leaves service alone. Missing in batches from before it was kept.", nullable=True, allowed=MESSAGE_CLASSES, added=True),
    ),
)  # fmt: skip

SUPPRESSION_LIST = Table(
    "suppression_list", "Whom not to write to, campaign by campaign, and why.", ("campaign_id", "member_id"),
    (
        _BATCH, _DATE, _CAMPAIGN, _MEMBER,
        Column("reason", Type.STRING, "The most restrictive reason.", allowed=tuple(Reason)),
        Column("detail", Type.STRING, "The reason in a sentence.", personal=True),
        Column("reasons", Type.STRINGS, "Every reason that applied, most restrictive first."),
        Column("relevance", Type.NUMBER, "Probability that the member answers the campaign at all.", "share 0..1", nullable=True),
        Column("threshold", Type.NUMBER, "Least relevance the policy asks for.", "share 0..1", nullable=True),
        Column("would_pass_if", Type.STRING, "The nearest change that would have let it through.", nullable=True, personal=True),
        Column("until", Type.DATE, "When the reason ends, where that is known.", nullable=True),
        Column("model_version", Type.STRING, "The model used."),
        Column("policy_version", Type.STRING, "The policy used."),
    ),
)  # fmt: skip

REASK_LIST = Table(
    "reask_list", "Declared facts worth asking about again: grown old, or contradicted by what the member buys.", ("member_id", "fact"),
    (
        _MEMBER,
        Column("fact", Type.STRING, "The fact."),
        Column("last_value", Type.STRING, "What the member said last.", personal=True),
        Column("declared_at", Type.TIME, "When."),
        Column("expired_on", Type.DATE, "When it grew too old to be used; later than the business date where it is contradicted and still believed."),
        Column("question", Type.STRING, "What to ask."),
        Column("priority", Type.NUMBER, "How much the answer would change, high first.", "offers"),
    ),
)  # fmt: skip

CAMPAIGN_SUMMARY = Table(
    "campaign_summary", "One row a campaign: audience = to_send + suppressed, always.", ("campaign_id",),
    (
        _CAMPAIGN,
        Column("audience", Type.INTEGER, "Members the campaign was planned for."),
        Column("to_send", Type.INTEGER, "Members with an offer of it."),
        Column("suppressed", Type.INTEGER, "Members on the suppression list for it."),
        Column("by_reason", Type.JSON, "Suppressed members by the reason shown."),
        Column("expected_responses", Type.NUMBER, "Sum of the relevance of the messages to send: the responses to expect.", "members", nullable=True),
    ),
)  # fmt: skip

BATCHES = Table(
    "batches", "Every batch there has been.", ("batch_id",),
    (
        _BATCH, _DATE,
        Column("state", Type.STRING, "staging, published or superseded.", allowed=("staging", "published", "superseded")),
        Column("is_current", Type.BOOLEAN, "Is it the one that the views show."),
        Column("published_at", Type.TIME, "When it was published.", nullable=True),
        Column("model_version", Type.STRING, "The model used."),
        Column("policy_version", Type.STRING, "The policy used."),
        Column("fallback_step", Type.STRING, "A: champion on today's features, B: the last model that a night has used, where the champion cannot be had, C: rules without a model, D: the day before through today's consents, E: nothing is shown.", allowed=("A", "B", "C", "D", "E")),
        Column("watermarks", Type.JSON, "How far each source table reached."),
        Column("offer_rows", Type.INTEGER, "Rows of the offer table."),
        Column("suppression_rows", Type.INTEGER, "Rows of the suppression list."),
        Column("reask_rows", Type.INTEGER, "Rows of the re-ask list."),
        Column("run_id", Type.STRING, "The Dagster run that made it."),
        Column("model_age_days", Type.INTEGER, "Days from the business date that the model was trained for to the batch's; missing where none was used.", "days", nullable=True, minimum=0),
        Column("hidden_because", Type.STRING, "Why the views show nothing although this batch is the current one.", nullable=True),
        Column("shown_until", Type.TIME, "When the views stop showing it; missing for a night of the past.", nullable=True),
    ),
)  # fmt: skip

OFFER_HISTORY = replace(
    OFFER_TABLE,
    name="offer_history",
    meaning="The offer table of every published business date, less whoever has opted out since.",
    key=("business_date", "member_id", "slot"),
)

SUPPRESSION_HISTORY = replace(
    SUPPRESSION_LIST,
    name="suppression_history",
    meaning="The suppression list of every published business date.",
    key=("business_date", "campaign_id", "member_id"),
)

PUBLISHED_TABLES: tuple[Table, ...] = (
    OFFER_TABLE, SUPPRESSION_LIST, REASK_LIST, CAMPAIGN_SUMMARY, BATCHES, OFFER_HISTORY, SUPPRESSION_HISTORY,
)  # fmt: skip
