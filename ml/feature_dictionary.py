"""The feature dictionary: all features as one list, from which are made the model's inputs, the lake's feature tables and
docs/features.md. The entries are in features_of_members.py and features_of_offers.py.
"""

from ml.feature import Feature
from ml.features_of_members import CATEGORY, MEMBER
from ml.features_of_offers import CAMPAIGN, DEPARTMENT, MEMBER_CAMPAIGN, MEMBER_OFFER, OFFER, RELATIVE
from ml.tables import Column, Table, Type

FEATURES: tuple[Feature, ...] = (
    *MEMBER,
    *CATEGORY,
    *CAMPAIGN,
    *MEMBER_CAMPAIGN,
    *OFFER,
    *MEMBER_OFFER,
    *DEPARTMENT,
    *RELATIVE,
)
MAILING_INPUTS: tuple[str, ...] = tuple(f.name for f in FEATURES if f.mailing)
OFFER_INPUTS: tuple[str, ...] = tuple(f.name for f in FEATURES if f.offer)
NAMED_INPUTS: tuple[str, ...] = tuple(f.name for f in FEATURES if f.mailing or f.offer or f.named)
CATEGORICAL: frozenset[str] = frozenset(f.name for f in FEATURES if f.category)

_MEMBER_ID = Column("member_id", Type.STRING, "The member.", personal=True)
_CAMPAIGN_ID = Column("campaign_id", Type.STRING, "The campaign.")
_OFFER_ID = Column("offer_id", Type.STRING, "The offer.")


def _table(name: str, meaning: str, keys: tuple[Column, ...], features: tuple[Feature, ...]) -> Table:
    return Table(name, meaning, tuple(k.name for k in keys), (*keys, *(f.column for f in features)))


MEMBER_FEATURES = _table("member_features", "Features of a member on a night.", (_MEMBER_ID,), MEMBER)
MEMBER_CATEGORY_FEATURES = _table(
    "member_category_features", "Features of a member and a category they have bought of.",
    (_MEMBER_ID, Column("category", Type.STRING, "The category.")), CATEGORY,
)  # fmt: skip
MEMBER_DEPARTMENT_FEATURES = _table(
    "member_department_features", "Features of a member and a department they have bought in, or named an interest in.",
    (_MEMBER_ID, Column("department", Type.STRING, "The department.")), DEPARTMENT,
)  # fmt: skip
CAMPAIGN_FEATURES = _table("campaign_features", "Features of an active campaign on a night.", (_CAMPAIGN_ID,), CAMPAIGN)
MEMBER_CAMPAIGN_FEATURES = _table(
    "member_campaign_features",
    "Features of a member and a campaign they are in the audience of.",
    (_CAMPAIGN_ID, _MEMBER_ID),
    MEMBER_CAMPAIGN,
)
OFFER_FEATURES = _table("offer_features", "Features of an active offer on a night.", (_CAMPAIGN_ID, _OFFER_ID), OFFER)
MEMBER_OFFER_FEATURES = _table(
    "member_offer_features", "Features of a member and an offer; a pair without any evidence has no row.",
    (_CAMPAIGN_ID, _MEMBER_ID, _OFFER_ID), MEMBER_OFFER,
)  # fmt: skip
FEATURE_TABLES: tuple[Table, ...] = (
    MEMBER_FEATURES, MEMBER_CATEGORY_FEATURES, MEMBER_DEPARTMENT_FEATURES, CAMPAIGN_FEATURES, MEMBER_CAMPAIGN_FEATURES, OFFER_FEATURES, MEMBER_OFFER_FEATURES,
)  # fmt: skip
