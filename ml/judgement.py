"""What the rules say of each pair: every failure with its margin, and the most restrictive one in words. What tonight's other
messages do to a pair is in arbitration.py.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import or_

import ibis
import ibis.expr.types as ir

from ml.arbitration import COMPARED, in_control_group
from ml.basis import Basis
from ml.consent import PREFERENCES
from ml.lake_tables import DECISIONS
from ml.reasons import Reason
from ml.rule import Rule
from ml.rules import RULES, margin_column, margins, pairs_with_facts
from ml.rules_relevance import KNOWN, REACH, is_thin
from ml.rules_sent import (
    CATEGORY_WEEK,
    OFFER_CATEGORY,
    OWN_WEEK,
    WEEK_SENT,
    room_for_member,
    room_in_all,
    room_in_category,
    room_on_channel,
)  # fmt: skip
from ml.tables import Type
from ml.wording import json_object

FAILURE = Type.FAILURES.ibis.removeprefix("array<").removesuffix(">")
# What arbitration compares, whatever rules there are.
ARBITRATION_NEEDS = (PREFERENCES, KNOWN, REACH, WEEK_SENT, OWN_WEEK, OFFER_CATEGORY, CATEGORY_WEEK)
# Columns of the ledger that are known once a pair is judged.
JUDGED = tuple(
    name for name in DECISIONS.names if name not in ("threshold", "verdict", "slot", "propensity", "policy_version")
)
# Beside what arbitration compares: what the ledger says of a pair that no rule stops.
SAID = ("speaks_for", "offer_category_name")


def judge(scores: ir.Table, basis: Basis, rules: Sequence[Rule] = RULES) -> ir.Table:
    """The scores' pairs with the ledger's columns (`JUDGED`), as far as the rules decide them (reason null: none failed), and
    what arbitration and the reasons of sending need beside them."""
    rows = pairs_with_facts(scores, basis, rules, ARBITRATION_NEEDS)
    by_code = margins(rows, basis, rules)
    rows = rows.mutate(**{margin_column(code): margin for code, margin in by_code.items()})
    failed = {rule: (rows[margin_column(rule.code)] < 0).fill_null(False) for rule in rules}
    control = in_control_group(rows, basis)
    failures = [failure(rule.code.value, rows[margin_column(rule.code)], fails) for rule, fails in failed.items()]
    reason = _first(failed, lambda rule: ibis.literal(rule.code.value), "string")
    wishes = [
        fails.ifelse(r.would_pass_if(rows, basis), ibis.null("string"))
        for r, fails in failed.items()
        if r.would_pass_if
    ]
    # Where one of the failures can't be mended, mending the others would not let it through.
    hopeless = reduce(or_, (fails for rule, fails in failed.items() if not rule.would_pass_if), control)
    judged = rows.mutate(
        failures=_known([*failures, failure(Reason.CONTROL_GROUP.value, ibis.literal(-1.0), control)]),
        reason=reason,
        detail=_first(failed, lambda rule: rule.detail(rows, basis), "string"),
        would_pass_if=hopeless.ifelse(ibis.null("string"), ibis.literal("; and ").join(wishes).nullif(""))
        if wishes
        else ibis.null("string"),
        until=_first(failed, lambda rule: rule.until(rows, basis) if rule.until else ibis.null("date"), "date"),
        evidence=_first(failed, lambda rule: _evidence(rule, rows, rules, basis), "string").fill_null("{}"),
        few=is_thin(rows, basis),
        room_on_channel=room_on_channel(rows, basis),
        room_in_all=room_in_all(rows, basis),
        room_for_member=room_for_member(rows, basis),
        room_in_category=room_in_category(rows, basis),
    )
    # What the rules looked at, and what is the same for all, is not carried on: the grid has many rows.
    return judged.select(*JUDGED, *(name for name in (*COMPARED, *SAID) if name not in JUDGED))


def _evidence(rule: Rule, rows: ir.Table, rules: Sequence[Rule], basis: Basis) -> ir.StringValue:
    """What is told beside the reason of that rule: its margin, and the facts that it rests on. Rules may name the same fact, which stands
    where the first of them has it."""
    named = {name: None for other in rules if other.evidence for name in other.evidence(rows, basis)}
    own = rule.evidence(rows, basis) if rule.evidence else {}
    facts = {name: own[name] for name in named if name in own}
    return json_object({"margin": rows[margin_column(rule.code)], "unit": ibis.literal(rule.unit), **facts})


def failure(code: ir.StringValue | str, margin: ir.NumericValue, fails: ir.BooleanValue) -> ir.StructValue:
    """One entry of the ledger's failures; null where it does not fail."""
    return fails.ifelse(ibis.struct({"code": code, "margin": margin}, type=FAILURE), ibis.null(FAILURE))


def _first(failed: Mapping[Rule, ir.BooleanValue], of: Callable[[Rule], ir.Value], kind: str) -> ir.Value:
    """What `of` gives for the first rule that failed; null when none did."""
    cases = [(fails, of(rule)) for rule, fails in failed.items()]
    return ibis.cases(*cases, else_=ibis.null(kind)) if cases else ibis.null(kind)


def _known(values: list[ir.Value]) -> ir.ArrayValue:
    """The values that are not null, in order."""
    return ibis.array(values).filter(lambda value: value.notnull())
