"""A slower or larger run than the committed one is noticed, by its ratio and not by the machine's seconds."""

from benchmarks.compare import grown, ratios

COMMITTED = "round,copy_s,publish_s,ratio\n1,3.0,6.0,2.0\n2,3.0,6.3,2.1\n3,3.0,6.6,2.2\n"


def test_half_as_fast_on_the_same_machine_is_told_with_its_number() -> None:
    slower = "round,copy_s,publish_s,ratio\n1,3.0,12.6,4.2\n"
    assert grown(COMMITTED, slower, 1.25) == "median ratio 4.20, was 2.10: 2.00 times, at most 1.25"


def test_a_machine_half_as_fast_is_no_regression_and_neither_is_a_little_noise() -> None:
    assert grown(COMMITTED, "round,copy_s,publish_s,ratio\n1,6.0,12.6,2.1\n", 1.25) == ""
    assert grown(COMMITTED, "ratio\n2.5\n", 1.25) == ""


def test_figures_without_a_ratio_are_left_alone() -> None:
    assert ratios("age_days,metric,value\n0,auc,0.83\n") == []
    assert grown("", COMMITTED, 1.25) == ""
