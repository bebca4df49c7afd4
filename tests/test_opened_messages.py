"""Who did not look at a message says nothing by not answering it: where openings are on record, the opened are learned from."""

import numpy as np
import pyarrow as pa
import pytest

from ml.club import visible
from ml.ensemble import log_odds, probability
from ml.examples import TrainingRows, training_rows
from ml.inputs import floats
from ml.night import Night
from ml.training import Fitted, TrainingConfig, fit_model, line_to, to_learn_from
from tests.past_world import NIGHT, club_by_taste, on_engine, shop

CONFIG = TrainingConfig(bags=2, most_rounds=60, blocks=2, seed=7)


def with_values(rows: pa.Table, **values: np.ndarray) -> pa.Table:
    for name, told in values.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(told))
    return rows


@pytest.fixture(scope="module")
def past() -> tuple[TrainingRows, Night]:
    """Mailings that name their offer, all opened."""
    club, night = club_by_taste(named=True)
    rows = training_rows(visible(on_engine(club), night), night)
    return TrainingRows(rows.kind, rows.mailings, with_values(rows.offers, opened=np.ones(rows.offers.num_rows))), night


def fit(rows: TrainingRows, night: Night, offers: pa.Table) -> Fitted:
    return fit_model(rows.mailings, offers, night.as_of, CONFIG, "pair")


def with_as_many_unopened(offers: pa.Table) -> pa.Table:
    """Each row a second time, not opened, and answered by one of ten whatever is offered."""
    answered = (np.random.default_rng(5).random(offers.num_rows) < 0.1).astype(float)
    unopened = with_values(offers, opened=np.zeros(offers.num_rows), answered=answered)
    return pa.concat_tables([offers, unopened])


def test_an_opening_is_of_the_message_and_in_time() -> None:
    club = shop(
        mailings="""
            member_id | campaign_id | offer_id | sent_at
            ada       | winter      | w-beans  | 2024-01-09T08:00
            bo        | winter      | w-loaf   | 2024-01-09T08:00""",
        responses="""
            member_id | campaign_id | offer_id | kind  | occurred_at
            ada       | winter      | w-beans  | open  | 2024-01-09T09:00
            ada       | winter      | w-beans  | click | 2024-01-09T09:01
            bo        | winter      | w-loaf   | open  | 2024-03-01T09:00""",
    )
    rows = training_rows(club, NIGHT)
    told = zip(*(rows.offers[name].to_pylist() for name in ("member_id", "opened", "answered")), strict=True)
    assert sorted(told) == [("ada", 1.0, 1.0), ("bo", 0.0, 0.0)]
    assert sorted(zip(*(rows.mailings[n].to_pylist() for n in ("member_id", "opened")), strict=True)) == [("ada", 1.0), ("bo", 0.0)]  # fmt: skip


@pytest.mark.parametrize(
    ("answered_opened", "answered_unopened", "learned_from"),
    [(60, 100, 200), (60, 130, 1000), (40, 0, 1000), (0, 300, 1000)],
    ids=["more than a third", "less than a third", "too few to learn from", "none on record"],
)
def test_the_opened_are_learned_from_alone_where_they_hold_a_third_of_the_answers(
    answered_opened: int, answered_unopened: int, learned_from: int
) -> None:
    """Of 1,000 messages 200 were opened; 50 answers are needed to learn."""
    opened, answered = np.zeros(1000), np.zeros(1000)
    opened[:200] = 1
    answered[:answered_opened] = 1
    answered[200 : 200 + answered_unopened] = 1
    assert to_learn_from(pa.table({"opened": opened, "answered": answered}), CONFIG).sum() == learned_from


def test_of_examples_from_before_openings_were_kept_all_are_learned_from() -> None:
    rows = pa.table({"opened": pa.nulls(100, pa.float64()), "answered": np.ones(100)})
    assert to_learn_from(rows, CONFIG).all()


def test_where_openings_have_ceased_to_come_a_model_is_fitted_all_the_same(past: tuple[TrainingRows, Night]) -> None:
    rows, night = past
    moments = rows.offers["as_of"].to_numpy()
    opened = (moments <= np.unique(moments)[-4]).astype(float)
    fitted = fit(rows, night, with_values(rows.offers, opened=opened))
    assert fitted.metrics["learned_from"] == opened.sum()
    assert fitted.metrics["mailing_auc"] > 0.7


def test_messages_that_were_not_opened_change_no_tree(past: tuple[TrainingRows, Night]) -> None:
    rows, night = past
    alone, among_others = fit(rows, night, rows.offers), fit(rows, night, with_as_many_unopened(rows.offers))
    trees = [{n: f for n, f in fitted.model.to_files().items() if n.endswith(".ubj")} for fitted in (alone, among_others)]  # fmt: skip
    assert trees[0] == trees[1]
    assert among_others.metrics["learned_from"] == rows.offers.num_rows


def test_relevance_is_of_any_message_opened_or_not(past: tuple[TrainingRows, Night]) -> None:
    """A third of the opened were answered and a tenth of the others: the estimates lie between, and in the order of the opened's."""
    rows, night = past
    offers = with_as_many_unopened(rows.offers)
    alone, among_others = fit(rows, night, rows.offers).model, fit(rows, night, offers)
    answered = floats(offers["answered"]).mean()
    told, low = among_others.model.offer_relevance(offers)
    assert told.mean() == pytest.approx(answered, rel=0.1)
    assert (low < told).all()
    before = alone.offer_relevance(rows.offers)[0]
    assert np.array_equal(np.argsort(before, kind="stable"), np.argsort(told[: before.size], kind="stable"))
    assert among_others.validation.relevance.mean() == pytest.approx(answered, rel=0.15)


def test_a_line_through_log_odds_makes_them_right_and_never_turns_their_order() -> None:
    rng = np.random.default_rng(1)
    true = rng.uniform(0.05, 0.6, 20_000)
    answered = (rng.random(true.size) < true).astype(float)
    offset, slope = line_to(answered, 2 * log_odds(true) + 1)
    assert probability(offset + slope * (2 * log_odds(true) + 1)) == pytest.approx(true, abs=0.02)
    offset, slope = line_to(answered, -log_odds(true))
    assert slope == 1.0
    assert probability(offset - log_odds(true)).mean() == pytest.approx(answered.mean(), abs=0.1)
