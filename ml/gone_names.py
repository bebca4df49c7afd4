"""Names that members said "not for me" of and no product has any more: a group was renamed or taken out of the assortment. Such
a word stops nothing from then on, and no drift shows it, as members' habits follow the new name.
"""

import ibis

from ml.club import Club
from ml.source_tables import FEEDBACK_SCOPES

GROUPS = tuple(scope for scope in FEEDBACK_SCOPES if scope not in ("offer", "product"))


def gone_names(club: Club) -> list[str]:
    """The refused names of groups that are in no product, as "category FISHING", sorted; who refused them is not told."""
    said = club.feedback.filter(club.feedback.verdict == "not_for_me")
    refused = said.filter(said.scope.isin(GROUPS)).select("scope", "scope_id").distinct()
    products = club.products
    there = ibis.union(
        *(products.select(scope=ibis.literal(group), scope_id=products[group]).distinct() for group in GROUPS)
    )
    gone = refused.anti_join(there, ["scope", "scope_id"]).to_pyarrow().to_pylist()
    return sorted(f"{row['scope']} {row['scope_id']}" for row in gone)
