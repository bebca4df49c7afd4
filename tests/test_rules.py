"""The rules, by their specs: each a small table that a marketer can check by eye. docs/suppression-rules.md is made of the
same specs.
"""

import pytest

from docs.render_rules import PAGE, rules_page
from ml.reasons import Reason
from ml.rules import RULES
from tests.rule_world import BY_ARBITRATION, Spec, outcomes, rows_of
from tests.specs import SPECS

WITHOUT_TABLES = {Reason.ERASED, Reason.CONSENT_STALE}  # told in test_decide: they hang on no table of the club


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.code}: {spec.title}")
def test_the_rule_does_as_its_spec_says(spec: Spec) -> None:
    assert outcomes(spec) == rows_of(spec.tonight)


def test_every_reason_has_a_rule_or_is_given_by_arbitration() -> None:
    assert {rule.code for rule in RULES} | set(BY_ARBITRATION) == set(Reason)


def test_rules_stand_in_the_order_of_the_reasons() -> None:
    order = list(Reason)
    assert [rule.code for rule in RULES] == sorted((rule.code for rule in RULES), key=order.index)


def test_every_reason_has_a_spec() -> None:
    assert {spec.code for spec in SPECS} == set(Reason) - WITHOUT_TABLES


def test_the_page_of_the_rules_is_up_to_date() -> None:
    assert PAGE.read_text() == rules_page(), "run: python -m docs.render_rules"
