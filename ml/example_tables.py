"""The lake tables of training examples: the asks of the past with features and answers. How they are made is in examples.py."""

from ml.feature_dictionary import FEATURES
from ml.tables import Column, Table, Type

_KEYS = (
    Column("as_of", Type.TIME, "The instant of the question; nothing later is in the features."),
    Column("campaign_id", Type.STRING, "The campaign."),
    Column("member_id", Type.STRING, "The member.", personal=True),
)
_ANSWER = (
    Column("closes_at", Type.TIME, "The instant at which the time to answer was over."),
    Column(
        "opened",
        Type.NUMBER,
        "1 if the member opened the message in time, as far as is known; else 0. Missing in examples from before it was kept.",
        "0 or 1",
        nullable=True,
        added=True,
    ),
    Column("answered", Type.NUMBER, "1 if the member answered in time, else 0.", "0 or 1"),
)

MAILING_EXAMPLES = Table(
    "mailing_examples", "Past mailings whose time to answer is over, with the mailing stage's features.",
    ("as_of", "campaign_id", "member_id"), (*_KEYS, *_ANSWER, *(f.column for f in FEATURES if f.mailing)),
)  # fmt: skip
OFFER_EXAMPLES = Table(
    "offer_examples",
    "Past mailings x offers with the offer stage's features: the offers that mailings named, or, where they named none, "
    "all offers of the answered ones.",
    ("as_of", "campaign_id", "member_id", "offer_id"),
    (*_KEYS, Column("offer_id", Type.STRING, "The offer."), *_ANSWER, *(f.column for f in FEATURES if f.grain != "member x category")),
)  # fmt: skip

EXAMPLE_TABLES: tuple[Table, ...] = (MAILING_EXAMPLES, OFFER_EXAMPLES)
