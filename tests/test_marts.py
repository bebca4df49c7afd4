"""What publishing does, what the views then show, and what is refused."""

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from ml.errors import PublishRefused
from ml.published_tables import OFFER_TABLE, PUBLISHED_TABLES
from ml.tables import Table, Type
from resources.batches import columns_to_publish
from resources.marts import STEPS, Marts
from tests.batch_rows import (
    MONDAY,
    OFFERS,
    TUESDAY,
    WEDNESDAY,
    a_batch,
    no_reasks,
    offers,
    publish,
    rows,
    suppressions,
)

SQL_TYPES = {
    Type.STRING: "text",
    Type.INTEGER: "bigint",
    Type.NUMBER: "double precision",
    Type.BOOLEAN: "boolean",
    Type.TIME: "timestamp with time zone",
    Type.DATE: "date",
    Type.STRINGS: "text[]",
    Type.JSON: "jsonb",
}


def test_a_published_batch_is_what_the_views_show(marts: Marts) -> None:
    publication = publish(marts)
    assert (publication.state, publication.is_current, publication.offer_rows) == ("published", True, 3)
    assert rows(
        marts.engine, "SELECT member_id, slot, campaign_id, relevance FROM marts.offer_table ORDER BY 1, 2"
    ) == [
        ("anna", 1, "spring", 0.5),
        ("anna", 2, "summer", 0.25),
        ("berit", 1, "spring", 0.125),
    ]
    assert rows(marts.engine, "SELECT member_id, reason, reasons, model_version FROM marts.suppression_list") == [
        ("carl", "LOW_RELEVANCE", ["LOW_RELEVANCE", "OUTRANKED"], "7")
    ]
    assert rows(marts.engine, "SELECT * FROM marts.campaign_summary ORDER BY 1") == [
        ("spring", 3, 2, 1, {"LOW_RELEVANCE": 1}, 0.625),
        ("summer", 1, 1, 0, {}, 0.25),
    ]


@pytest.mark.parametrize("view", PUBLISHED_TABLES, ids=lambda view: view.name)
def test_a_view_has_the_columns_of_its_definition_with_their_types_and_meaning(marts: Marts, view: Table) -> None:
    found = rows(
        marts.engine,
        "SELECT attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum)"
        " FROM pg_attribute WHERE attrelid = CAST(:view AS regclass) AND attnum > 0 ORDER BY attnum",
        view=f"marts.{view.name}",
    )
    assert [(name, sql_type) for name, sql_type, _ in found] == [(c.name, SQL_TYPES[c.type]) for c in view.columns]
    for (_, _, comment), column in zip(found, view.columns, strict=True):
        assert comment.startswith(column.meaning)
        assert column.unit in comment


def test_there_are_no_views_but_those_defined(marts: Marts) -> None:
    found = rows(marts.engine, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'marts'")
    assert {name for (name,) in found} == {table.name for table in PUBLISHED_TABLES}


@pytest.mark.promise("R2")
def test_a_second_publish_of_a_date_replaces_nothing_and_says_so(marts: Marts) -> None:
    first = publish(marts)
    again = publish(marts, offers=offers("anna 1 spring email 0.9"))
    assert (again.state, again.batch_id) == ("already_published", first.batch_id)
    assert "same inputs; nothing was replaced" in again.reason
    assert rows(marts.engine, "SELECT count(*) FROM marts.offer_table") == [(3,)]


def test_other_inputs_for_a_published_date_are_told_and_not_taken(marts: Marts) -> None:
    publish(marts)
    again = publish(marts, a_batch(fingerprint="f2"))
    assert again.state == "already_published"
    assert "other inputs" in again.reason
    assert "supersede" in again.reason


def test_superseding_replaces_the_batch_of_the_date_and_keeps_the_old_one_in_the_books(marts: Marts) -> None:
    first = publish(marts)
    second = publish(marts, a_batch(fingerprint="f2"), supersede=True)
    assert second.is_current
    assert rows(marts.engine, "SELECT batch_id, state, is_current FROM marts.batches ORDER BY published_at") == [
        (first.batch_id, "superseded", False),
        (second.batch_id, "published", True),
    ]
    assert rows(marts.engine, "SELECT DISTINCT batch_id FROM marts.offer_history") == [(second.batch_id,)]


@pytest.mark.promise("F18")
@pytest.mark.promise("R2")
def test_a_backfill_is_kept_as_history_and_never_shown_as_tonight(marts: Marts) -> None:
    publish(marts, a_batch(TUESDAY))
    backfill = publish(marts, a_batch(MONDAY))
    assert (backfill.state, backfill.is_current) == ("published", False)
    assert str(TUESDAY) in backfill.reason
    assert rows(marts.engine, "SELECT DISTINCT business_date FROM marts.offer_table") == [(TUESDAY,)]
    assert rows(marts.engine, "SELECT DISTINCT business_date FROM marts.suppression_history ORDER BY 1") == [
        (MONDAY,),
        (TUESDAY,),
    ]


def test_an_earlier_date_is_shown_when_asked_for_in_so_many_words(marts: Marts) -> None:
    publish(marts, a_batch(TUESDAY))
    assert publish(marts, a_batch(MONDAY), make_current=True).is_current
    assert publish(marts, a_batch(TUESDAY), make_current=True).state == "already_published"
    current = marts.current()
    assert current
    assert current.business_date == TUESDAY


def test_a_run_older_than_a_choice_by_hand_does_not_undo_it(marts: Marts) -> None:
    publish(marts, a_batch(TUESDAY))
    old = marts.take_token()
    publish(marts, a_batch(MONDAY), make_current=True)
    with pytest.raises(PublishRefused, match="chosen by hand after this run began"):
        publish(marts, a_batch(WEDNESDAY), token=old)
    assert publish(marts, a_batch(WEDNESDAY)).is_current


def test_an_older_run_does_not_supersede_a_newer_one(marts: Marts) -> None:
    old = marts.take_token()
    new = publish(marts)
    with pytest.raises(PublishRefused, match=f"newer run as {new.batch_id}"):
        publish(marts, token=old, supersede=True)
    assert marts.published(MONDAY) == marts.current()


def test_texts_lists_and_times_come_back_as_they_were(marts: Marts) -> None:
    odd = 'æøå 🎉 "quoted", \\ {braces}\n\\.\nlast'
    publish(
        marts, offers=offers(OFFERS, reason=odd), suppressions=suppressions("carl spring NOT_DUE", would_pass_if="")
    )
    assert rows(marts.engine, "SELECT DISTINCT reason FROM marts.offer_table") == [(odd,)]
    assert rows(marts.engine, "SELECT would_pass_if, until FROM marts.suppression_list") == [("", None)]
    assert rows(
        marts.engine,
        "SELECT DISTINCT to_char(valid_from AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM marts.offer_table",
    ) == [("2017-10-30 04:00",)]
    with marts.engine.connect() as connection:
        relevance = connection.scalar(sa.text("SELECT sum(relevance) FROM marts.offer_table"))
    assert relevance == 0.5 + 0.25 + 0.125


def test_a_missing_value_of_a_pandas_frame_becomes_null_and_never_the_text_nan(marts: Marts) -> None:
    frame = suppressions("carl spring NOT_DUE\n dag spring NOT_DUE").to_pandas()
    frame["would_pass_if"] = pd.Series(["the moon were full", float("nan")], dtype="str")
    frame["relevance"] = [1 / 3, float("nan")]
    publish(marts, suppressions=pa.Table.from_pandas(frame), audience={"spring": 4, "summer": 1})
    assert rows(marts.engine, "SELECT would_pass_if, relevance FROM marts.suppression_list ORDER BY member_id") == [
        ("the moon were full", 1 / 3),
        (None, None),
    ]


def test_a_night_with_nobody_to_write_to_is_a_valid_night(marts: Marts) -> None:
    nobody = columns_to_publish(OFFER_TABLE).empty_table()
    publish(
        marts, offers=nobody, suppressions=suppressions("carl spring NO_CONSENT"), audience={"spring": 1, "empty": 0}
    )
    assert rows(marts.engine, "SELECT * FROM marts.campaign_summary ORDER BY 1") == [
        ("empty", 0, 0, 0, {}, 0),
        ("spring", 1, 0, 1, {"NO_CONSENT": 1}, 0),
    ]


def test_a_night_by_rules_expects_no_number_of_responses(marts: Marts) -> None:
    publish(marts, a_batch(fallback_step="C"), offers=offers(OFFERS, relevance=None))
    assert rows(marts.engine, "SELECT DISTINCT expected_responses FROM marts.campaign_summary") == [(None,)]


def test_the_summary_can_be_had_of_every_batch_that_stands(marts: Marts) -> None:
    monday = publish(marts, a_batch(MONDAY))
    publish(marts, a_batch(TUESDAY), reasks=no_reasks())
    summary = marts.summary(monday.batch_id)
    assert summary.values.tolist() == [
        ["spring", 3, 2, 1, {"LOW_RELEVANCE": 1}, 0.625],
        ["summer", 1, 1, 0, {}, 0.25],
    ]
    assert list(marts.summary("no such batch").columns) == list(summary.columns)


def test_each_step_is_heard_of_in_order(marts: Marts) -> None:
    heard: list[str] = []
    publish(marts, on_step=heard.append)
    assert tuple(heard) == STEPS
