"""Writes docs/ml-test-score.md: the 28 tests of Breck et al., "The ML Test Score" (2017), and what here earns each its point. A test
that is named must exist, so that no point is claimed by hand.
"""

import re
from pathlib import Path

from docs.grid import grid

TESTS = Path(__file__).parent.parent / "tests"
COMMANDS = ("hemsil backtest", "hemsil doctor", "hemsil staleness", "make bench", "make check")

# (what is asked, tests or commands that show it, and how, or why there is no point)
ROWS: dict[str, tuple[tuple[str, tuple[str, ...], str], ...]] = {
    "Data": (
        ("Feature expectations are in a schema", ("test_reading.py::test_text_reads_as_the_contracts_type_or_is_a_fault", "test_corruptions.py::test_a_corrupted_table_is_caught"), "every column has type, unit and bounds in one definition"),
        ("All features are beneficial", ("hemsil backtest", "test_backtest.py::test_a_study_leaves_out_each_family_and_tells_what_it_alone_says", "test_backtest_report.py::test_a_family_is_told_by_what_is_lost_without_it_and_by_what_it_says_alone"), "what is lost without each family, with its interval, and what the family says alone; a family that earns nothing is told too"),
        ("No feature costs too much", (), "no point: the cost of single features is not measured"),
        ("Features keep to meta-level requirements", ("test_explanations.py::test_what_a_member_has_declared_is_never_told", "test_point_in_time.py::test_deleting_the_future_changes_no_feature"), "nothing from the future, nothing sensitive told"),
        ("The pipeline has privacy controls", ("test_night_end_to_end.py::test_no_member_is_named_in_dagsters_or_mlflows_tables_or_files_or_in_reports", "test_model.py::test_no_member_or_campaign_id_is_in_the_files"), "ids stay in tables"),
        ("New features can be added quickly", ("test_explanations.py::test_every_feature_belongs_to_a_family_that_can_be_put_in_words",), "one line in the dictionary and one expression; night, training, docs and drift follow"),
        ("Feature code is tested", ("test_features.py::test_recency_and_frequency_count_baskets_strictly_before_the_night", "test_features.py::test_answer_rate_is_shrunk_towards_the_clubs_own"), "on members whose figures are seen by eye"),
    ),
    "Model": (
        ("Model code is reviewed and versioned", (), "no point: that is a habit, no test shows it"),
        ("Offline and online figures agree", ("test_performance.py::test_the_share_of_responders_kept_is_what_the_truth_says",), "matured labels of the nights beside what was promised at training"),
        ("Hyper-parameters are tuned", ("test_search.py::test_settings_that_learn_next_to_nothing_are_improved_upon_and_the_proposal_is_a_policy",), "a time-ordered search as a job of its own"),
        ("The effect of staleness is known", ("hemsil staleness", "test_staleness.py::test_a_model_that_sees_less_clearly_has_lost_auc_and_the_interval_says_by_how_much"), "[how fast a model ages](staleness.md)"),
        ("A simpler model is not better", ("test_promotion.py::test_a_challenger_that_tosses_coins_is_refused_and_told_what_it_lacks", "hemsil backtest"), "the gate and the backtest compare with every baseline"),
        ("Quality is enough on important slices", ("test_promotion.py::test_a_slice_that_popularity_serves_better_stops_a_model_that_is_good_on_the_whole",), "new members, rare shoppers, kinds of campaign, each channel"),
        ("Inclusion has been looked at", ("test_promotion.py::test_the_card_looks_at_age_and_place_and_tells_no_place_of_few",), "every model card tells its figures by age and place, of 20 members or more"),
    ),
    "Infrastructure": (
        ("Training is reproducible", ("test_model_commands.py::test_a_model_made_again_is_the_same_to_the_byte", "test_model.py::test_the_same_rows_and_seed_give_the_same_bytes"), "byte for byte"),
        ("Model specifications are unit tested", ("test_model.py::test_the_offer_stage_learns_what_members_like", "test_linear.py::test_a_rising_feature_never_raises_the_odds_where_it_may_not"), "on a club whose taste is known"),
        ("The pipeline is tested as a whole", ("test_night_end_to_end.py::test_every_planned_member_is_either_sent_to_or_suppressed",), "a night from files to published tables"),
        ("Quality is checked before serving", ("test_promotion.py::test_a_challenger_much_worse_than_the_champion_is_refused_though_it_beats_the_simple_scorers",), "the promotion gate"),
        ("Single examples can be debugged", ("test_explanations.py::test_what_decides_is_named_first", "test_model.py::test_what_is_sent_tells_what_moved_it_and_its_offer_speaks_first"), "`hemsil explain MEMBER`"),
        ("Models are tried out before serving", ("test_shadow.py::test_a_challenger_that_passes_scores_beside_the_champion_before_it_takes_its_place",), "shadow nights, where the policy asks for them"),
        ("Models can be rolled back", ("test_model_commands.py::test_a_rollback_shows_the_offers_of_the_earlier_model_and_the_next_night_does_not_undo_it", "test_registry.py::test_a_rollback_brings_the_earlier_model_back_and_the_next_night_does_not_undo_it"), "one command"),
    ),
    "Monitoring": (
        ("Changes of what is depended on are noticed", ("hemsil doctor", "test_packages.py::test_another_version_and_a_missing_package_are_named_and_one_for_other_systems_is_not"), "what is installed against the lock; each version says what it was made with (MLflow tag `made_with`)"),
        ("Inputs keep to their invariants", ("test_quality.py::test_a_bad_table_stops_the_night_and_is_named_with_its_file_and_column", "test_corruptions.py::test_thirty_good_days_raise_no_alarm"), "bad rows set aside, bad tables refused"),
        ("Training and serving see the same", ("test_point_in_time.py::test_training_sees_the_rows_that_the_night_saw", "test_night_end_to_end.py::test_scores_are_what_the_champion_says_of_the_lakes_features"), "one function builds both"),
        ("Models are not too old", ("test_retraining.py::test_a_month_in_which_something_new_drifts_every_night_asks_four_times_not_every_night",), "the sensor asks for a new one"),
        ("Numbers are sound", ("test_model.py::test_an_unknown_category_and_missing_features_are_scored_not_refused", "test_drift.py::test_one_infinite_value_fails"), "scores are 0..1, nulls and infinities have a limit"),
        ("No regression of speed or memory", ("make bench", "test_benchmarks_compare.py::test_half_as_fast_on_the_same_machine_is_told_with_its_number"), "benchmarks' ratios against the committed ones; exit code 1 where one has grown by more than a quarter"),
        ("No regression of quality on served data", ("test_performance.py::test_a_broken_promise_is_told", "test_nights_in_a_row.py::test_drift_for_two_nights_in_a_row_asks_for_one_training_with_its_reason"), "matured labels and drift, night by night"),
    ),
}  # fmt: skip


def score_page() -> str:
    """The page, as text. Raises ValueError for a test or command that is named and not there."""
    parts, points = [], {}
    for section, rows in ROWS.items():
        points[section] = sum(bool(shown) for _, shown, _ in rows)
        told = ((asked, ", ".join(map(_checked, shown)) or "–", how) for asked, shown, how in rows)
        parts.append(f"## {section}: {points[section]} of {len(rows)}\n\n{grid(('asked', 'shown by', 'how'), told)}\n")
    body = "\n".join(parts)
    return f"""# ML test score

The 28 questions are those of Breck, Cai, Nielsen, Salib and Sculley, "The ML Test Score: A Rubric for ML Production Readiness" (2017). A row
has its point when a test or command shows it; where none does, it says so. The score is the smallest of the four sections: {min(points.values())}.

{body}"""


def _checked(name: str) -> str:
    if name in COMMANDS:
        return f"`{name}`"
    file, _, test = name.partition("::")
    path = TESTS / file
    if not path.is_file() or not re.search(rf"^def {test}\(", path.read_text(), re.MULTILINE):
        raise ValueError(f"docs/ml-test-score.md names tests/{name}, which is not there")
    return f"`tests/{name}`"
