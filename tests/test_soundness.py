"""Scores that are not fit to decide by: counted on a handful of members, told with their numbers, and replaced by those of the model
before, or of rules.
"""

from collections.abc import Iterator

import duckdb
import ibis
import numpy as np
import pandas as pd
import pytest

from ml.soundness import LEAST_ROWS, ScoreCounts, Soundness, faults, most_by_chance, stability
from resources.sound_scores import _counts, spread
from tests.installation import Installation, installation
from tests.small_club import POLICY, small_club

LIMITS = Soundness()


@pytest.mark.parametrize(
    ("counts", "psi", "words"),
    [
        (ScoreCounts(1_000, 0, 0.01, 0.4), 0.2, []),
        (ScoreCounts(1_000, 0, 0.01, 0.4), None, []),
        (ScoreCounts(1_000, 3, 0.0, 0.0), None, ["3 of 1,000 scores are no number within 0..1"]),
        (ScoreCounts(1_000, 0, 0.05, 0.0), None, ["5.0% of a campaign's members have one and the same score, at most 1.0% may"]),
        (ScoreCounts(1_000, 0, 0.0, 0.5), None, ["one offer is the best for 50% of the members, at most 40%"]),
        (ScoreCounts(1_000, 0, 0.0, 0.0), 0.35, ["scores are spread unlike what the same model says of the same campaigns on the days before: stability index 0.35, at most 0.20"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_scores_is_told_with_its_number(
    counts: ScoreCounts, psi: float | None, words: list[str]
) -> None:
    assert faults(counts, psi, 0.0, LIMITS) == words


def test_the_index_of_two_even_halves_swapped_can_be_counted_by_hand() -> None:
    """A reference with 3 of 4 low and 1 of 4 high against a night the other way round: 2 x 1/2 x ln 3."""
    reference, scores = np.repeat([0.1, 0.9], [300, 100]), np.repeat([0.1, 0.9], [100, 300])
    assert stability(reference, np.ones(400), scores) == pytest.approx(np.log(3))


def test_the_same_scores_are_stable_and_too_few_say_nothing() -> None:
    scores = np.random.default_rng(1).random(5_000)
    assert stability(scores, np.ones(5_000), scores) == pytest.approx(0.0)
    assert stability(scores, np.ones(5_000), scores[: LEAST_ROWS - 1]) is None


def test_two_samples_of_one_club_are_within_what_chance_explains() -> None:
    rng = np.random.default_rng(2)
    found = [stability(rng.beta(1, 5, 200), np.ones(200), rng.beta(1, 5, 150)) for _ in range(200)]
    assert max(f for f in found if f is not None) < most_by_chance(200, 150)


def test_a_night_of_other_campaigns_is_not_taken_for_a_fault() -> None:
    """Before: 900 mailings of a dull campaign and 100 of a good one. Tonight only the good one: against itself it is the same."""
    dull, good = np.linspace(0.01, 0.1, 900), np.linspace(0.4, 0.8, 100)
    reference = pd.DataFrame({"campaign_id": ["dull"] * 900 + ["good"] * 100, "score": np.concatenate([dull, good])})
    tonight = pd.DataFrame({"campaign_id": "good", "score": np.repeat(good, 3)})
    psi, _ = spread(reference, tonight)
    assert psi == pytest.approx(0.0, abs=0.01)
    assert spread(reference, tonight.assign(campaign_id="new"))[0] is None


def test_counts_of_a_campaign_can_be_read_off() -> None:
    """200 members, 150 of whom have bought: 30 of these have one score. One score is missing, one above 1."""
    rng = np.random.default_rng(3)
    scores = pd.DataFrame(
        {"campaign_id": "spring", "member_id": [f"m{n:03d}" for n in range(200)], "offer_id": "o", "relevance": 0.5,
         "mailing_relevance": rng.random(200)}
    )  # fmt: skip
    scores.loc[:29, "mailing_relevance"] = 0.25
    scores.loc[198, "relevance"], scores.loc[199, "relevance"] = np.nan, 1.5
    buyers = ibis.memtable(scores[["member_id"]].head(150))
    counts = _counts(ibis.memtable(scores), buyers)
    assert (counts.rows, counts.unusable, counts.identical, counts.top_share) == (200, 2, 0.2, 0.0)


def test_a_few_members_who_are_alike_in_everything_are_no_fault() -> None:
    scores = pd.DataFrame(
        {"campaign_id": "spring", "member_id": [f"m{n:03d}" for n in range(120)], "offer_id": "o", "relevance": 0.5,
         "mailing_relevance": np.where(np.arange(120) < 19, 0.25, np.arange(120) / 251)}
    )  # fmt: skip
    assert _counts(ibis.memtable(scores), ibis.memtable(scores[["member_id"]])).identical == 0.0


def test_the_offer_that_is_best_for_most_is_found_where_many_compete() -> None:
    """120 members, 12 offers each; the first is best for 90 of them."""
    rows = [
        {"campaign_id": "spring", "member_id": f"m{m}", "offer_id": f"o{o:02d}", "relevance": relevance, "mailing_relevance": 0.5}
        for m in range(120)
        for o in range(12)
        for relevance in [0.9 if o == (0 if m < 90 else 1 + m % 11) else 0.1]
    ]  # fmt: skip
    buyers = ibis.memtable(pd.DataFrame({"member_id": ["m0"]}))
    assert _counts(ibis.memtable(pd.DataFrame(rows)), buyers).top_share == 0.75


def club_with_twins() -> dict[str, pd.DataFrame]:
    """Some ninety members are alike in everything: born, joined and shopping as one, never mailed, and without a word of their own."""
    club = small_club()
    said = set(club["feedback"].member_id)
    one, *others = [name for name in club["members"].member_id[100:200] if name not in said]
    for name in ("mailings", "responses"):
        club[name] = club[name][~club[name].member_id.isin([one, *others])]
    for name in ("members", "transactions"):
        rows, key = club[name], {"transactions": "transaction_id"}.get(name)
        copies = [
            of_one.assign(member_id=other)
            if key is None
            else of_one.assign(member_id=other, **{key: other + of_one[key]})
            for of_one in [rows[rows.member_id == one]]
            for other in others
        ]
        club[name] = pd.concat([rows[~rows.member_id.isin(others)], *copies], ignore_index=True)
    return club


@pytest.fixture(scope="module")
def at() -> Iterator[Installation]:
    with installation() as made:
        made.hand_in(club_with_twins())
        yield made


def night(at: Installation, day: str, more: str = "") -> list[tuple[object, ...]]:
    """(step of the ladder, model) of a night with more in its policy."""
    (at.folder / "policy.toml").write_text(POLICY + more)
    answer = at.call("nightly", "--as-of", day)
    assert answer.code == 0, answer.text
    path = at.home / "lake" / "scores" / f"business_date={day}"
    [(version,)] = duckdb.sql(f"SELECT DISTINCT model_version FROM '{path}/*.parquet'").fetchall()
    return [(at.one("SELECT fallback_step FROM platform.batches WHERE business_date = %s", day), version)]


@pytest.mark.slow
def test_a_night_of_unsound_scores_goes_down_the_ladder_and_the_next_one_is_as_before(at: Installation) -> None:
    """A fifth of the members have one score between them: no model was there before, so rules decide, until the policy allows it."""
    assert night(at, "2024-03-13") == [("C", "rules")]
    assert [step for step, _ in night(at, "2024-03-14", "[soundness]\nmost_identical = 1.0\n")] == ["A"]
    assert not list((at.home / "lake" / "scores").glob(".parts*"))
