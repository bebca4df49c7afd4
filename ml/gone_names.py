"""What members said "not for me" of and the club has no more, or never had: a group was renamed or taken out of the assortment,
a product or offer is gone, an id was mistyped. Such a word stops nothing, and no drift shows it, as members' habits follow the
new name.
"""

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.source_tables import FEEDBACK_SCOPES
from ml.thing_names import BY_ID, thing_of

GROUPS = tuple(scope for scope in FEEDBACK_SCOPES if scope not in BY_ID)


def gone_names(club: Club) -> list[str]:
    """The refused names of groups that are in no product, as "category FISHING", sorted; who refused them is not told."""
    said = club.feedback.filter(club.feedback.verdict == "not_for_me", club.feedback.scope.isin(GROUPS))
    refused = said.group_by("scope", thing=thing_of(said.scope, said.scope_id)).aggregate(scope_id=said.scope_id.min())
    products = club.products
    there = ibis.union(*(_things(products, group, products[group]) for group in GROUPS))
    gone = refused.anti_join(there, ["scope", "thing"]).to_pyarrow().to_pylist()
    return sorted(f"{row['scope']} {row['scope_id']}" for row in gone)


def gone_ids(club: Club, whole: Club) -> dict[str, int]:
    """Scope -> how many "not for me" are of an id of that scope that the club's tables do not have; scopes of which none are left
    out. `whole` also has what the night may not know yet: an offer that is not begun is not gone."""
    said = club.feedback.filter(club.feedback.verdict == "not_for_me", club.feedback.scope.isin(BY_ID))
    said = said.select("scope", thing=thing_of(said.scope, said.scope_id))
    offers, products = whole.offers, whole.products
    there = ibis.union(_things(offers, "offer", offers.offer_id), _things(products, "product", products.product_id))
    gone = said.anti_join(there, ["scope", "thing"]).group_by("scope").aggregate(n=lambda word: word.count())
    return {row["scope"]: row["n"] for row in gone.order_by("scope").to_pyarrow().to_pylist()}


def _things(table: ir.Table, scope: str, name: ir.StringValue) -> ir.Table:
    of = ibis.literal(scope)
    return table.select(scope=of, thing=thing_of(of, name)).distinct()
