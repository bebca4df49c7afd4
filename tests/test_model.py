"""What is fitted learns a taste, travels whole, and is never thrown by a row it has not seen the like of."""

import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest

from ml.club import Club, visible
from ml.errors import DamagedModel, TooFewExamples
from ml.evaluation import ranking_metrics
from ml.examples import TrainingRows, mailing_rows, night_asks, offer_rows, offered, training_rows
from ml.explanations import NEVER_TOLD
from ml.feature import FAMILIES
from ml.features import feature_tables
from ml.inputs import Inputs, floats
from ml.linear import LinearModel
from ml.model import RelevanceModel
from ml.night import Night
from ml.rules_model import RulesModel
from ml.scoring import SCORED, explain, score
from ml.training import Fitted, TrainingConfig, fit_model
from tests.past_world import club_by_taste, on_engine

CONFIG = TrainingConfig(bags=3, most_rounds=100, blocks=3, seed=7)


@dataclass(frozen=True)
class Trained:
    club: Club
    night: Night
    rows: TrainingRows
    fitted: Fitted
    tonight: tuple[pa.Table, pa.Table]  # mailing and offer rows of the first night of the last campaign


def train(named: bool) -> Trained:
    club, night = club_by_taste(named=named)
    seen = visible(on_engine(club), night)
    rows = training_rows(seen, night)
    fitted = fit_model(rows.mailings, rows.offers, night.as_of, CONFIG, rows.kind)
    asks = night_asks(seen, Night(seen.campaigns.starts_on.max().to_pyarrow().as_py(), night.timezone))
    tables = feature_tables(seen, asks)
    pairs = offer_rows(seen, offered(seen, asks), tables).order_by("campaign_id", "member_id", "offer_id")
    return Trained(seen, night, rows, fitted, (mailing_rows(seen, asks, tables).to_pyarrow(), pairs.to_pyarrow()))


@pytest.fixture(scope="module")
def choice() -> Trained:
    """Mailings that carry every offer."""
    return train(named=False)


@pytest.fixture(scope="module")
def pair() -> Trained:
    """E-mails that carry one offer each."""
    return train(named=True)


def test_the_offer_stage_learns_what_members_like(choice: Trained) -> None:
    assert choice.rows.kind == "choice"
    assert choice.fitted.metrics["offer_auc"] > 0.85
    assert choice.fitted.metrics["offer_ndcg_5"] > 0.7


def test_a_pair_model_learns_who_answers_which_offer(pair: Trained) -> None:
    assert pair.rows.kind == "pair"
    assert pair.fitted.model.mailing is None
    assert pair.fitted.metrics["mailing_auc"] > 0.75
    assert pair.fitted.metrics["mailing_ece"] < 0.06


def test_the_threshold_keeps_nine_of_ten_on_the_validation_it_was_made_on(pair: Trained) -> None:
    told = pair.fitted.validation
    answered = told[told.answered > 0]
    assert (answered.relevance >= pair.fitted.model.threshold).mean() >= 0.9


def test_a_model_read_back_says_the_same_to_the_last_bit(choice: Trained) -> None:
    files = choice.fitted.model.to_files()
    again = RelevanceModel.from_files(files)
    rows = choice.rows.mailings
    assert np.array_equal(again.mailing_relevance(rows)[0], choice.fitted.model.mailing_relevance(rows)[0])
    assert np.array_equal(
        again.offer_relevance(choice.rows.offers)[1], choice.fitted.model.offer_relevance(choice.rows.offers)[1]
    )
    assert again.to_files() == files
    assert {name.rsplit(".", 1)[1] for name in files} == {"ubj", "json"}


def test_a_model_of_the_format_before_says_what_it_said(choice: Trained) -> None:
    """It had no line from the bags' log-odds to the estimate's."""
    files = choice.fitted.model.to_files()
    held = json.loads(files["relevance.json"]) | {"format": 3}
    for stage in ("mailing", "offer"):
        assert (held[stage].pop("offset"), held[stage].pop("slope")) == (0.0, 1.0)
    before = RelevanceModel.from_files(files | {"relevance.json": json.dumps(held).encode()})
    rows = choice.rows.mailings
    assert np.array_equal(before.mailing_relevance(rows)[0], choice.fitted.model.mailing_relevance(rows)[0])


def test_a_pair_model_read_back_reads_the_same_columns_in_the_same_order(pair: Trained) -> None:
    """The department and the kind of an offer come after the campaign's kind, which no alphabet would do."""
    before = pair.fitted.model
    again = RelevanceModel.from_files(before.to_files())
    assert list(before.offer.inputs.vocabulary) != sorted(before.offer.inputs.vocabulary)
    assert again.features == before.features
    assert np.array_equal(again.offer_relevance(pair.rows.offers)[0], before.offer_relevance(pair.rows.offers)[0])


def test_the_same_rows_and_seed_give_the_same_bytes(choice: Trained) -> None:
    again = fit_model(choice.rows.mailings, choice.rows.offers, choice.night.as_of, CONFIG, choice.rows.kind)
    assert again.model.to_files() == choice.fitted.model.to_files()


@pytest.mark.parametrize("lost", ["mailing-0.ubj", "relevance.json"])
def test_a_model_without_one_of_its_files_is_refused_by_its_name(choice: Trained, lost: str) -> None:
    files = {name: held for name, held in choice.fitted.model.to_files().items() if name != lost}
    with pytest.raises(DamagedModel, match=lost):
        RelevanceModel.from_files(files)


def test_no_member_or_campaign_id_is_in_the_files(choice: Trained) -> None:
    text = b"".join(choice.fitted.model.to_files().values())
    assert b"m117" not in text
    assert not any(
        name in inputs for inputs in choice.fitted.model.features.values() for name in ("member_id", "campaign_id")
    )


@pytest.mark.promise("F12")
def test_an_unknown_category_and_missing_features_are_scored_not_refused(choice: Trained) -> None:
    rows = choice.rows.mailings.slice(0, 3)
    kind = rows.schema.get_field_index("campaign_kind")
    strange = rows.set_column(kind, "campaign_kind", pa.array(["never seen", None, "monthly"]))
    unknown = strange.set_column(strange.schema.get_field_index("spend_91"), "spend_91", pa.nulls(3, pa.float64()))
    told, low = choice.fitted.model.mailing_relevance(unknown)
    assert ((low > 0) & (low <= told) & (told < 1)).all()


def test_a_missing_feature_column_is_an_error_that_names_it(choice: Trained) -> None:
    with pytest.raises(KeyError, match="spend_91"):
        choice.fitted.model.mailing_relevance(choice.rows.mailings.drop_columns(["spend_91"]))


def test_too_few_examples_name_both_counts_and_what_is_needed(choice: Trained) -> None:
    with pytest.raises(TooFewExamples, match=r"20 past mailings with \d+ answered .* needs 500 with 50"):
        fit_model(choice.rows.mailings.slice(0, 20), choice.rows.offers, choice.night.as_of, CONFIG)


@pytest.mark.parametrize(
    ("number", "value"), [("keep_responders", 0.0), ("bags", 0), ("linear_strength", -1.0), ("depth", 99)]
)
def test_a_setting_out_of_bounds_is_refused_by_name(number: str, value: float) -> None:
    with pytest.raises(ValueError, match=number):
        TrainingConfig(**{number: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("batch", [7, 100_000])
@pytest.mark.parametrize("kind", ["pair", "choice"])
def test_scores_do_not_depend_on_the_batches(kind: str, batch: int, request: pytest.FixtureRequest) -> None:
    trained: Trained = request.getfixturevalue(kind)
    whole = scored(trained, trained.fitted.model, 50_000)
    assert scored(trained, trained.fitted.model, batch).equals(whole)
    assert whole.schema.equals(SCORED)


def test_every_score_tells_what_moved_its_mailing(choice: Trained) -> None:
    told = scored(choice, choice.fitted.model, 1000).to_pandas()
    loud = told[told.contributions.notnull()]  # a score that nothing moves to speak of has nothing to tell
    assert len(loud) > 0.9 * len(told)
    held = [json.loads(text) for text in loud.contributions]
    assert all(set(one) == {"mailing"} and set(one["mailing"]) <= set(FAMILIES) - NEVER_TOLD for one in held)


@pytest.mark.parametrize(("kind", "stages"), [("choice", {"mailing", "offer"}), ("pair", {"offer"})])
def test_what_is_sent_tells_what_moved_it_and_its_offer_speaks_first(
    kind: str, stages: set[str], request: pytest.FixtureRequest
) -> None:
    trained: Trained = request.getfixturevalue(kind)
    told = pa.Table.from_batches(explain(trained.fitted.model, trained.tonight[1].to_batches())).to_pylist()
    assert len(told) == trained.tonight[1].num_rows
    held = [json.loads(row["contributions"]) for row in told if row["contributions"]]
    assert set().union(*held) == stages
    first = json.loads(told[0]["contributions"])["offer"]
    best = max(first, key=first.__getitem__)
    assert told[0]["speaks_for"] == (best if first[best] > 0 else None)


def test_rules_have_no_contributions_to_tell(choice: Trained) -> None:
    told = scored(choice, RulesModel(), 1000)
    assert told["contributions"].null_count == told["speaks_for"].null_count == told.num_rows


def test_a_pair_models_mailing_is_as_relevant_as_its_best_offer(pair: Trained) -> None:
    told = scored(pair, pair.fitted.model, 50).to_pandas()
    best = told.groupby(["campaign_id", "member_id"]).relevance.transform("max")
    assert np.allclose(told.mailing_relevance, best)


def test_a_choice_models_offer_is_never_likelier_than_its_mailing(choice: Trained) -> None:
    told = scored(choice, choice.fitted.model, 1000).to_pandas()
    assert len(told) == 8 * 240
    assert (told.relevance <= told.mailing_relevance).all()
    assert (told.relevance_low <= told.mailing_relevance).all()


def test_rules_stand_in_for_a_model_and_put_what_is_bought_first(choice: Trained) -> None:
    told = scored(choice, RulesModel(), 1000).to_pandas()
    assert told[["relevance", "mailing_relevance", "relevance_low"]].apply(lambda c: c.between(0, 1).all()).all()
    rows = choice.rows.offers
    group = list(zip(rows["campaign_id"].to_pylist(), rows["member_id"].to_pylist(), strict=True))
    by_rules = RulesModel().offer_relevance(rows)[0]
    assert ranking_metrics([str(g) for g in group], floats(rows["answered"]), by_rules)["ndcg_5"] > 0.6


def test_the_linear_partner_reads_place_and_missing_alone() -> None:
    x = np.array([[1.0], [2.0], [3.0], [np.nan]] * 50, dtype=np.float32)
    y = np.array([0.0, 0.0, 1.0, 1.0] * 50)
    model = LinearModel.fit(x, y, np.ones(200), 10.0)
    odds = model.predict(np.array([[1.0], [3.0], [np.nan], [1e9]], dtype=np.float32))
    assert odds[0] < 0 < odds[1]
    assert odds[2] > 0
    assert odds[3] == odds[1]  # beyond what was seen is as far as it goes


def test_a_category_is_a_column_a_value_the_commonest_first() -> None:
    rows = pa.table({"kind": ["a", "b", "b", None]})
    inputs = Inputs.seen_in(rows, ("kind",), frozenset({"kind"}))
    assert inputs.columns == ["kind = b", "kind = a"]
    assert inputs.matrix(rows).tolist() == [[0, 1], [1, 0], [1, 0], [0, 0]]


def scored(trained: Trained, scorer: RelevanceModel | RulesModel, batch: int) -> pa.Table:
    mailings, pairs = trained.tonight
    return pa.Table.from_batches(score(scorer, mailings.to_batches(batch), pairs.to_batches(batch), "1"))


def test_validation_is_later_than_what_it_is_judged_by(choice: Trained) -> None:
    first = choice.fitted.validation.as_of.min()
    known = choice.rows.mailings.to_pandas()
    before = known[known.closes_at <= first]
    assert before.answered.sum() >= CONFIG.least_answers
