"""The section of the policy that tells sure buyers apart: who buys a thing so often that a discount on it may be wasted. What is made
of it is in uplift.py.
"""

from collections.abc import Mapping

from pydantic import Field

from ml.policy_sections import Days, Section


class SureBuyers(Section):
    """Who buys so often that a discount may add nothing. What it does add is measured for each of three habits: bought at all,
    often, always."""

    days: Days = Field(91, description="Days of purchases before a message from which a habit is told.")
    often: int = Field(3, ge=2, le=365, description="Fewest of those days with a purchase that make it often.")
    always: int = Field(
        6, ge=3, le=365, description="Fewest of those days with a purchase that make it always; more than for often."
    )


def contradictions(of: SureBuyers, prefix: str = "") -> list[str]:
    """What of the section's keys cannot hold together, as sentences that name them."""
    if of.always > of.often:
        return []
    return [f"[{prefix}sure_buyers] often = {of.often}, always = {of.always}: always must be more than often"]


def habits(of: SureBuyers) -> Mapping[int, int]:
    """Habit -> fewest days with a purchase; of fewer than the first there is no habit, and nothing is said."""
    return {1: 1, 2: of.often, 3: of.always}
