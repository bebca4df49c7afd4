"""Features of a member and a department: what they buy in it, and the interests they have declared there. Tastes grow by
department: of a thing never bought before, the things beside it tell most.
"""

import ibis
import ibis.expr.types as ir

from ml.club import Club
from ml.exact import total
from ml.features_declared import declared_interests
from ml.history import share
from ml.kept import keep

KEYS = ("as_of", "member_id", "department")


def department_features(club: Club, asks: ir.Table, categories: ir.Table) -> ir.Table:
    """One row a (as_of, member_id, department) in which the member has bought anything, or declared an interest.

    categories  habits of the asked members by category, from `habits_by_level`
    """
    named = keep(club.products.select("department", "category").distinct())
    bought = categories.inner_join(named, categories["value"] == named.category)
    spent = categories.group_by("as_of", "member_id").aggregate(total=total(categories.spend))
    bought = bought.inner_join(spent, ["as_of", "member_id"])
    habits = bought.group_by(*KEYS).aggregate(
        department_baskets=bought.n.sum(),
        department_categories=bought.category.nunique().cast("float64"),
        department_share=share(total(bought.spend), bought.total.max()),
    )
    said = declared_interests(club, asks)
    meant = keep(_departments_meant(club))
    within = said.inner_join(meant, said["value"] == meant["value"])
    interests = within.group_by(*KEYS).aggregate(department_interests=total(within.weight))
    columns = [c for c in (*habits.columns, *interests.columns) if c not in KEYS]
    empty = {c: ibis.literal(0.0) for c in columns}
    stacked = ibis.union(
        *(
            p.select(*KEYS, **(empty | {c: p[c].fill_null(0.0) for c in p.columns if c in empty}))
            for p in (habits, interests)
        )
    )
    return stacked.group_by(*KEYS).aggregate(**{c: stacked[c].max() for c in columns})


def _departments_meant(club: Club) -> ir.Table:
    """(department, value): the department's own name, and the names of the categories and subcategories in it."""
    names = [
        club.products.select("department", value=club.products[level].lower())
        for level in ("department", "category", "subcategory")
    ]
    named = ibis.union(*names, distinct=True)
    return named.filter(named["value"].notnull())
