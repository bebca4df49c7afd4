"""`hemsil policy worth` from the command line: two whole nights of a club that leaves some to chance, and what is told of the first."""

from collections.abc import Iterator

import pytest

from tests.installation import Installation, installation
from tests.small_club import BUSINESS_DATE, POLICY, small_club

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
CHANCE = "[chance]\ncontrol_share = 0.3\nexploration_share = 0.3\n"


@pytest.fixture(scope="module")
def at() -> Iterator[Installation]:
    """The night on which the newest campaign that is over began, and the night of today."""
    with installation() as made:
        club = small_club()
        over = club["campaigns"][club["campaigns"].ends_on < BUSINESS_DATE]
        made.hand_in(club, POLICY + CHANCE)
        for night in (over.starts_on.max(), BUSINESS_DATE):
            answer = made.call("nightly", "--as-of", night.isoformat())
            assert answer.code == 0, answer.text
        yield made


def worth(at: Installation, policy: str, *more: str) -> str:
    (at.folder / "other.toml").write_text(policy)
    return at.call("policy", "worth", str(at.folder / "other.toml"), *more).text


def test_the_same_policy_is_worth_what_was_decided(at: Installation) -> None:
    said = worth(at, POLICY + CHANCE)
    figures = said.split("(IPS)")[1].split("the same")[0].split("]")
    assert figures[0].strip() == figures[1].strip()  # "0.1234 [0.0987, 0.1481" twice


def test_another_share_of_chance_can_be_judged(at: Installation) -> None:
    said = worth(at, POLICY + "[chance]\ncontrol_share = 0.1\nexploration_share = 0.1\n")
    assert "Answers a planned message, with 95 % intervals" in said


def test_a_night_of_which_no_campaign_has_ended_is_told_so(at: Installation) -> None:
    said = worth(at, POLICY, "--night", BUSINESS_DATE.isoformat())
    assert "no campaign of the night of 2024-03-15 has ended by 2024-03-15" in said
