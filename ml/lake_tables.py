"""Tables that Hemsil itself writes to the lake, one folder a business date. Source tables are in source_tables.py,
features in feature_dictionary.py, what marketers read in published_tables.py.
"""

from ml.published_tables import OFFER_TABLE, REASK_LIST, SUPPRESSION_LIST
from ml.reach import NEWLY_REACHED, NEWLY_STOPPED
from ml.tables import Column, Table, Type

_MEMBER = Column("member_id", Type.STRING, "The member.", personal=True)
_CAMPAIGN = Column("campaign_id", Type.STRING, "The campaign.")
_OFFER = Column("offer_id", Type.STRING, "The offer.")
_RELEVANCE = Column(
    "relevance",
    Type.NUMBER,
    "Calibrated probability that the member answers with this offer.",
    "share 0..1",
    nullable=True,
    minimum=0,
    maximum=1,
)
_MAILING_RELEVANCE = Column(
    "mailing_relevance",
    Type.NUMBER,
    "Calibrated probability that the member answers the campaign at all.",
    "share 0..1",
    nullable=True,
    minimum=0,
    maximum=1,
)
_MODEL = Column("model_version", Type.STRING, "Version in the registry of the model used; rules when none was.")

_CONTRIBUTIONS = Column(
    "contributions",
    Type.JSON,
    "What moved the score, by family of features, strongest first: of the mailing, where a model judges mailings by themselves, and in decisions also of each offer sent. Missing when rules scored.",
    "log-odds, approximate",
    nullable=True,
    personal=True,
)

QUARANTINE = Table(
    "quarantine",
    "Rows of the club's tables that broke the contract, kept word for word.",
    ("table_name", "row_id", "rule"),
    (
        Column("table_name", Type.STRING, "The table the row came in."),
        Column("row_id", Type.STRING, "Digest of the row's content, the same each night."),
        Column("rule", Type.STRING, "The rule it broke and the column, as in `unknown:member_id`."),
        Column(
            "member_id", Type.STRING, "The member it speaks of, where that can be read.", nullable=True, personal=True
        ),
        Column("row", Type.JSON, "The row as it came.", personal=True),
        Column("found_at", Type.TIME, "When it was found."),
    ),
)

ASKS = Table(
    "asks", "Tonight's questions: this campaign, this member? Running campaigns x their audience.", ("campaign_id", "member_id"),
    (
        Column("as_of", Type.TIME, "The instant before which everything known has happened."),
        _CAMPAIGN, _MEMBER,
        Column("closes_at", Type.TIME, "The instant at which the time to answer is over."),
    ),
)  # fmt: skip

SCORES = Table(
    "scores", "Relevance of every active offer to every member of its audience.", ("campaign_id", "member_id", "offer_id"),
    (
        _CAMPAIGN, _MEMBER, _OFFER, _RELEVANCE, _MAILING_RELEVANCE,
        Column("relevance_low", Type.NUMBER, "Lower bound of the mailing's relevance, from the spread of the ensemble.", "share 0..1", nullable=True, minimum=0, maximum=1),
        _CONTRIBUTIONS,
        Column("speaks_for", Type.STRING, "The family of features that speaks loudest for it; never one that may be sensitive.", nullable=True, personal=True),
        _MODEL,
    ),
)  # fmt: skip

DECISIONS = Table(
    "decisions", "The ledger: every member, offer and channel considered, with every rule that failed.", ("campaign_id", "member_id", "offer_id", "channel"),
    (
        _CAMPAIGN, _MEMBER, _OFFER,
        Column("channel", Type.STRING, "The channel considered."),
        _RELEVANCE, _MAILING_RELEVANCE,
        Column("threshold", Type.NUMBER, "Least mailing relevance the policy asks for; missing when no model was used.", "share 0..1", nullable=True),
        Column("expected_value", Type.NUMBER, "Relevance x margin, less the costs of contact and fatigue.", "club currency", nullable=True),
        Column("failures", Type.FAILURES, "Every rule that failed, most restrictive first, with its margin (below 0; in the rule's own unit)."),
        Column("verdict", Type.STRING, "What was decided.", allowed=("send", "suppress")),
        Column("reason", Type.STRING, "The most restrictive reason; missing when sent.", nullable=True),
        Column("slot", Type.INTEGER, "Place among the member's offers of the night, from 1; missing when suppressed.", nullable=True),
        Column("detail", Type.STRING, "The reason in a sentence: of sending, or of not sending.", personal=True),
        Column("would_pass_if", Type.STRING, "The nearest change that would have let it through.", nullable=True, personal=True),
        Column("until", Type.DATE, "When the reason ends, where that is known.", nullable=True),
        Column("evidence", Type.JSON, "The facts and features behind it.", personal=True),
        _CONTRIBUTIONS,
        Column("propensity", Type.NUMBER, "Probability of this verdict where chance had a part in it.", "share 0..1"),
        _MODEL,
        Column("policy_version", Type.STRING, "Digest of the policy used."),
    ),
)  # fmt: skip

AFTERWARDS = Table(
    "afterwards", "What members did after the night, where the source knows it already (history): counts only.", ("campaign_id", "reason"),
    (
        _CAMPAIGN,
        Column("reason", Type.STRING, "Reason of not sending; missing for those who were sent it.", nullable=True),
        Column("members", Type.INTEGER, "Members."),
        Column("answered", Type.INTEGER, "Members among them who answered the campaign from the business date on.", "members"),
    ),
)  # fmt: skip

CHANGES = Table(
    "changes_since_last_night", "Members of a campaign's audience on this night and the one before whose verdict changed.", ("campaign_id", "member_id"),
    (
        _CAMPAIGN, _MEMBER,
        Column("change", Type.STRING, "What became of it.", allowed=(NEWLY_STOPPED, NEWLY_REACHED)),
        Column("reason", Type.STRING, "Why it is stopped tonight, or why it was last night."),
    ),
)  # fmt: skip

# What is handed to publishing: the published columns, less those of the batch.
OFFERS_TO_SEND = Table(
    "offers_to_send", "Tonight's offers, on their way to `offer_table`.", OFFER_TABLE.key, OFFER_TABLE.columns[2:]
)
SUPPRESSIONS = Table(
    "suppressions",
    "Tonight's suppressed members, on their way to `suppression_list`.",
    SUPPRESSION_LIST.key,
    SUPPRESSION_LIST.columns[2:],
)
REASKS = Table(
    "reasks", "Facts worth asking about again, on their way to `reask_list`.", REASK_LIST.key, REASK_LIST.columns
)

LAKE_TABLES: tuple[Table, ...] = (
    QUARANTINE, ASKS, SCORES, DECISIONS, OFFERS_TO_SEND, SUPPRESSIONS, REASKS, AFTERWARDS, CHANGES,
)  # fmt: skip
