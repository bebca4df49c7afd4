"""All rules, most restrictive first, and their judgement of the pairs. A rule's own functions are in rules_*.py; limits and
ranks that depend on tonight's other messages are in arbitration.py.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.kept import staged
from ml.reasons import Reason
from ml.rule import EVERY_CLASS, Facts, Rule
from ml.rules_consent import RULES_OF_CONSENT
from ml.rules_declared import RULES_OF_DECLARATIONS
from ml.rules_relevance import RULES_OF_RELEVANCE
from ml.rules_sent import RULES_OF_HISTORY
from ml.rules_shopping import RULES_OF_SHOPPING

_ORDER = {code: place for place, code in enumerate(Reason)}

RULES: tuple[Rule, ...] = tuple(
    sorted(
        (*RULES_OF_CONSENT, *RULES_OF_DECLARATIONS, *RULES_OF_SHOPPING, *RULES_OF_HISTORY, *RULES_OF_RELEVANCE),
        key=lambda rule: _ORDER[rule.code],
    )
)


def with_facts(pairs: ir.Table, basis: Basis, rules: Sequence[Rule], others: Sequence[Facts] = ()) -> ir.Table:
    """The pairs with the columns that the rules need and `others` have, each table joined once."""
    needed: dict[Facts, None] = dict.fromkeys((*(facts for rule in rules for facts in rule.facts), *others))
    joined = pairs
    for number, facts in enumerate(needed):  # one chain of joins, from which the second copies of the keys are dropped
        joined = joined.left_join(staged(facts.of(basis)), list(facts.key), rname=f"{{name}}__{number}")
    return joined.drop(*[name for name in joined.columns if "__" in name])


def margins(row: ir.Table, basis: Basis, rules: Sequence[Rule] = RULES) -> dict[Reason, ir.NumericValue]:
    """The margin of every rule on a pair with its facts: below 0 it fails; null where it does not hold or cannot be told."""
    return {rule.code: _held(rule, row, rule.margin(row, basis).cast("float64")) for rule in rules}


def _held(rule: Rule, row: ir.Table, margin: ir.NumericValue) -> ir.NumericValue:
    if rule.classes == EVERY_CLASS:
        return margin
    return row.message_class.isin(rule.classes).ifelse(margin, ibis.null("float64"))


def margin_column(code: Reason) -> str:
    """The column of a judged pair that holds a rule's margin."""
    return f"margin_{code.lower()}"
