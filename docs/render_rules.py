"""Writes docs/suppression-rules.md from the specs of the rules, so that every example on the page is one that was run.

python -m docs.render_rules
"""

from pathlib import Path

from docs.grid import grid
from ml.policy_habits import SureBuyers, habits
from ml.reasons import POLICY_KEYS, Reason
from ml.rules import RULES
from tests.rule_world import Spec
from tests.specs import SPECS

PAGE = Path(__file__).parent / "suppression-rules.md"

BEGINNING = """# Why a member does not get an offer

Made from the specs in `tests/specs_*.py`, each of which is run as a test. The reasons stand in order, most restrictive first: all that
apply are kept in the ledger, the first is shown. A rule has a *margin*; it fails where that is below 0. What is not known is no reason.

It is the night before Friday 15 March 2024 in Oslo. Unless an example says otherwise everybody has consented, buys bread now and then,
and one campaign, "spring", runs by e-mail until 14 April. `passes` means that this rule does not stop the offer.
"""


def rules_page() -> str:
    """The page's text."""
    parts = [BEGINNING, _keys()]
    for code in Reason:
        parts.append(f"## {code}\n\n{code.meaning}{_terms(code)}\n")
        parts += [_example(spec) for spec in SPECS if spec.code == code]
    return "\n".join(parts)


def _keys() -> str:
    """What a marketer would change for each reason."""
    rows = (
        (f"[{code}](#{code.lower()})", ", ".join(_key(key) for key in POLICY_KEYS.get(code, ())) or "-")
        for code in Reason
    )
    return (
        "## What a marketer can change\n\nThe keys of `policy.toml` that each reason hangs on; what they may be is in [the policy](policy.md). "
        "Where there is none, it is the member's own word, or a fact, that decides.\n\n"
        + grid(("reason", "keys"), rows)
        + "\n"
    )


def _key(key: str) -> str:
    section, _, name = key.rpartition(".")
    return f"`[{section}] {name}`"


def _terms(code: Reason) -> str:
    rule = next((rule for rule in RULES if rule.code == code), None)
    if rule is None:
        return " Decided last, among the offers that no rule stops."
    return f" Holds for {', '.join(rule.classes)}. Margin in: {rule.unit}."


def _example(spec: Spec) -> str:
    lines = [f"### {spec.title}", ""]
    if spec.policy:
        lines += ["```toml", spec.policy, "```", ""]
    for name, text in spec.given.items():
        lines += [f"`{name}`", "", _grid(text), ""]
    if spec.never_bought:
        lines += [f"Nothing at all was ever bought by {', '.join(spec.never_bought)}.", ""]
    if spec.erased:
        lines += [f"Erasure was asked for by {', '.join(spec.erased)}.", ""]
    if spec.heard_before:
        lines += [f"The consents were handed over {spec.heard_before} hours before the night.", ""]
    for habit, high in spec.uplift.items():
        lines += [
            f"Of members who bought of it on {habits(SureBuyers())[habit]} or more days of {SureBuyers().days}, a discount makes at most {high:.1%} more buy.",
            "",
        ]
    if spec.threshold is not None:
        lines += [f"The threshold is {spec.threshold}.", ""]
    return "\n".join([*lines, "Tonight", "", _grid(spec.tonight), ""])


def _grid(text: str) -> str:
    """A table of the specs as a table of the page."""
    header, *rows = ([cell.strip() for cell in line.split("|")] for line in text.strip().splitlines())
    grid = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(" " if cell == "-" else cell for cell in row) + " |" for row in grid)


if __name__ == "__main__":
    PAGE.write_text(rules_page())
