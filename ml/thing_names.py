"""How names that members and marketers write meet those of the club's own tables: groups of products and facts without regard
to letter case and to blanks around them, ids as they are but for such blanks.
"""

import ibis.expr.types as ir

BY_ID = ("offer", "product")  # scopes of feedback that go by an id, not by a group's name


def plain(name: ir.StringValue) -> ir.StringValue:
    """A name as it is compared: " Wool Socks" is "wool socks"."""
    return name.strip().lower()


def thing_of(scope: ir.StringValue, scope_id: ir.StringValue) -> ir.StringValue:
    """What a word of a scope is said of, as it is compared."""
    return scope.isin(BY_ID).ifelse(scope_id.strip(), plain(scope_id))
