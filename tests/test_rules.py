"""The rules, by their specs: each a small table that a marketer can check by eye. docs/suppression-rules.md is made of the
same specs.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import cast

import ibis
import pytest

from docs.render_rules import PAGE, rules_page
from ml.basis import Basis
from ml.decide import ledger
from ml.pairs import offers_of, pairs
from ml.policy import Policy
from ml.policy_sections import Section
from ml.reasons import POLICY_KEYS, Reason
from ml.rules import RULES, with_facts
from ml.uplift import UPLIFT
from tests.rule_world import BY_ARBITRATION, NIGHT, Spec, club_of, outcomes, rows_of
from tests.specs import SPECS


@pytest.mark.both_engines
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.code}: {spec.title}")
def test_the_rule_does_as_its_spec_says(spec: Spec) -> None:
    assert outcomes(spec) == rows_of(spec.tonight)


def test_every_reason_has_a_rule_or_is_given_by_arbitration() -> None:
    assert {rule.code for rule in RULES} | set(BY_ARBITRATION) == set(Reason)


def test_rules_stand_in_the_order_of_the_reasons() -> None:
    order = list(Reason)
    assert [rule.code for rule in RULES] == sorted((rule.code for rule in RULES), key=order.index)


def test_no_two_facts_give_a_column_the_same_name() -> None:
    """Side by side one would be read for the other."""
    club = club_of(SPECS[0])
    nobody = club.members.select("member_id").limit(0)
    basis = Basis(club, NIGHT, Policy(), offers_of(club, club.offers), None, nobody, nobody, NIGHT.as_of)
    given: dict[str, object] = {}
    for facts in dict.fromkeys(facts for rule in RULES for facts in rule.facts):
        for column in set(facts.of(basis).columns) - set(facts.key):
            assert given.setdefault(column, facts) is facts, column


def test_every_reason_has_a_spec() -> None:
    assert {spec.code for spec in SPECS} == set(Reason)


class Watched:
    """A section of the policy that notes which of its keys are read."""

    def __init__(self, section: Section, read: set[str], name: str = ""):
        self._section, self._read, self._name = section, read, name

    def __getattr__(self, key: str) -> object:
        value = getattr(self._section, key)
        if key not in type(self._section).model_fields:  # the section as a whole
            self._read.add(self._name)
            return value
        path = f"{self._name}.{key}".lstrip(".")
        if isinstance(value, Section):
            return Watched(value, self._read, path)
        self._read.add(path)
        return value


def test_the_keys_said_to_decide_a_reason_are_those_that_its_rule_reads() -> None:
    spec = next(spec for spec in SPECS if spec.code == Reason.LOW_RELEVANCE)
    club = club_of(spec)
    scores = club.offers.select("campaign_id", "offer_id").cross_join(club.members.select("member_id"))
    scores = scores.mutate(**{c: ibis.null("float64") for c in ("relevance", "mailing_relevance", "relevance_low")})
    scores = scores.mutate(
        **{c: ibis.null("string") for c in ("contributions", "speaks_for")}, model_version=ibis.literal("1")
    )
    nobody = club.members.select("member_id").limit(0)
    policy = Policy.parse("[chance]\nexploration_share = 0.1\ncontrol_share = 0.1\n[caps]\ndiscount_share = 0.5")
    known = ibis.memtable({"habit": [1], "uplift": [0.0], "uplift_high": [0.1]}, schema=UPLIFT)
    basis = Basis(club, NIGHT, policy, offers_of(club, scores), 0.3, nobody, nobody, NIGHT.as_of, known)

    def watched(play: Callable[[Basis], object]) -> set[str]:
        read: set[str] = set()
        play(replace(basis, policy=cast(Policy, Watched(policy, read))))
        return read - {"", "sensitive.categories"}  # the version, and what is only left unsaid

    of_rules = {r.code: watched(lambda b, r=r: r.margin(with_facts(pairs(scores, basis), b, [r]), b)) for r in RULES}  # type: ignore[misc]
    of_all = watched(lambda b: ledger(scores, b))
    elsewhere = of_all - set().union(*of_rules.values()) | {"chance.seed", "confidence.least_known"}
    for code, read in of_rules.items():
        assert set(POLICY_KEYS.get(code, ())) <= read | elsewhere | {"relevance.keep_responders"}, code
        # Whoever may not be profiled has no purchases for any rule.
        assert read - set(POLICY_KEYS.get(code, ())) <= {"purchases.not_due_share", "consent.profiling"}, code
    assert set().union(*POLICY_KEYS.values()) == of_all | {
        "relevance.keep_responders"
    }  # which sets the threshold when a model is trained


def test_the_page_of_the_rules_is_up_to_date() -> None:
    assert PAGE.read_text() == rules_page(), "run: python -m docs.render_rules"
