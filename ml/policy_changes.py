"""What another policy would change: its keys in words, and the verdicts of a night. Reading files and nights is left to the
caller.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import ibis.expr.types as ir

from ml.decision_lists import verdicts
from ml.policy import Policy
from ml.policy_sections import Section


@dataclass(frozen=True)
class Change:
    """One key of the policy with its two values, as they are written, and what it is for."""

    key: str
    old: str
    new: str
    meaning: str


def changed_keys(old: Policy, new: Policy) -> list[Change]:
    """Every key whose value differs, in the order of the file; keys left out count with their default.

    >>> changed_keys(Policy.parse(""), Policy.parse("[caps]\\nmessages_per_week = 2"))[0].key
    '[caps] messages_per_week'
    """
    return list(_changes(old, new, ""))


def _changes(old: Section, new: Section, section: str) -> Iterator[Change]:
    for name, field in type(old).model_fields.items():
        was, becomes = getattr(old, name), getattr(new, name)
        if isinstance(was, Section):
            yield from _changes(was, becomes, f"{section}.{name}".lstrip("."))
        elif isinstance(was, dict):
            for key in sorted(was.keys() | becomes.keys()):
                if was.get(key) != becomes.get(key):
                    place = f"[{section}.{name}] {key}"
                    yield Change(place, _shown(was.get(key)), _shown(becomes.get(key)), field.description or "")
        elif was != becomes:
            yield Change(f"[{section}] {name}", _shown(was), _shown(becomes), field.description or "")


def _shown(value: object) -> str:
    if value is None:
        return "not said"
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)


def changed_verdicts(old: ir.Table, new: ir.Table) -> ir.Table:
    """(was, becomes, members): members of a campaign's audience by verdict (a reason's code, or sent) in two ledgers of the
    same pairs, where it differs; most first."""
    was, becomes = (verdicts(ledger) for ledger in (old, new))
    both = was.rename(was="verdict").inner_join(becomes.rename(becomes="verdict"), ["campaign_id", "member_id"])
    other = both.filter(both.was != both.becomes)
    counts = other.group_by("was", "becomes").aggregate(members=other.count())
    return counts.order_by([counts.members.desc(), "was", "becomes"])
