"""What a rule is. The rules themselves are in rules_*.py, the list of them in rules.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.reasons import Reason

EVERY_CLASS = ("marketing", "content", "service")
ALL_BUT_SERVICE = ("marketing", "content")


@dataclass(frozen=True)
class Facts:
    """A table that rules need beside the pair: at most one row a key, joined to the pairs once however many use it."""

    key: tuple[str, ...]
    of: Callable[[Basis], ir.Table]


@dataclass(frozen=True)
class Rule:
    """One reason not to send.

    code           the reason
    classes        the message classes it holds for
    facts          the tables its functions need beside the pair's own columns
    margin         how far the pair is from failing, in `unit`; it fails below 0; null cannot fail (unknown is no reason)
    unit           what the margin counts
    detail         the reason as a sentence the member may read
    would_pass_if  what would have to be otherwise, to follow "would pass if: "; None where nothing of ours would do
    until          when it ends by itself; None where that is not known
    evidence       the facts it rests on, beside its margin, by name; none of them sensitive
    """

    code: Reason
    classes: tuple[str, ...]
    facts: tuple[Facts, ...]
    margin: Callable[[ir.Table, Basis], ir.NumericValue]
    unit: str
    detail: Callable[[ir.Table, Basis], ir.StringValue]
    would_pass_if: Callable[[ir.Table, Basis], ir.StringValue] | None = None
    until: Callable[[ir.Table, Basis], ir.DateValue] | None = None
    evidence: Callable[[ir.Table, Basis], Mapping[str, ir.Value]] | None = None


def yes_or_no(passes: ir.BooleanValue) -> ir.NumericValue:
    """The margin of a rule that knows no degrees: 1 passes, -1 fails, null where it cannot be told."""
    return ibis.cases((passes, 1.0), (~passes, -1.0), else_=ibis.null("float64"))
