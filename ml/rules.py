"""All rules, most restrictive first, and their judgement of the pairs. A rule's own functions are in rules_*.py; limits and
ranks that depend on tonight's other messages are in arbitration.py.
"""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from ml.basis import Basis
from ml.joins import side_by_side
from ml.kept import staged
from ml.pairs import on_channels, with_offers
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


def with_facts(rows: ir.Table, basis: Basis, rules: Sequence[Rule], others: Sequence[Facts] = ()) -> ir.Table:
    """The rows with the columns that the rules need and `others` have."""
    return _joined(rows, basis, _needed(rules, others))


def pairs_with_facts(scores: ir.Table, basis: Basis, rules: Sequence[Rule], others: Sequence[Facts] = ()) -> ir.Table:
    """The same of `pairs.pairs`, each fact joined where there are fewest rows to join it to: to the offers, to the scores, and to
    the pairs on each channel only what differs by channel."""
    needed = _needed(rules, others)
    of_offers = [facts for facts in needed if facts.key == ("offer_id",)]
    of_pairs = [facts for facts in needed if {*facts.key} <= {*scores.columns} and facts not in of_offers]
    rest = [facts for facts in needed if facts not in of_offers and facts not in of_pairs]
    on_channel = [facts for facts in rest if "channel" in facts.key]
    rows = _joined(scores, basis, of_pairs)
    rows = with_offers(rows, _joined(basis.offers, basis, of_offers))
    rows = _joined(rows, basis, [facts for facts in rest if facts not in on_channel])
    return _joined(on_channels(rows, basis), basis, on_channel)


def _needed(rules: Sequence[Rule], others: Sequence[Facts]) -> list[Facts]:
    """The facts, each once."""
    return list(dict.fromkeys((*(facts for rule in rules for facts in rule.facts), *others)))


def _joined(rows: ir.Table, basis: Basis, needed: Sequence[Facts]) -> ir.Table:
    """The rows with the columns of the facts. Those of one key are put together first, save where that is as long as the rows."""
    by_key: dict[tuple[str, ...], list[ir.Table]] = {}
    for facts in needed:
        by_key.setdefault(facts.key, []).append(staged(facts.of(basis)))
    joined, number = rows, 0
    for key, tables in by_key.items():
        for table in tables if {"member_id", "offer_id"} <= {*key} else [staged(side_by_side(tables, key))]:
            joined, number = joined.left_join(table, list(key), rname=f"{{name}}__{number}"), number + 1
    # From the chain of joins the second copies of the keys are dropped.
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
