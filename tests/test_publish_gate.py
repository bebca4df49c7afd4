"""What is refused at the gate, in which words, and that the old batch stays."""

from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from ml.errors import InputError, PublishRefused
from resources.marts import Marts
from tests.batch_rows import AUDIENCE, MONDAY, OFFERS, TUESDAY, a_batch, offers, publish, reasks, rows, suppressions

GOOD = "anna 1 spring email 0.5"
FAULTS: dict[str, dict[str, Any]] = {
    "campaign spring: audience 4, but 2 offered + 1 suppressed": {"audience": {"spring": 4, "summer": 1}},
    "campaign winter: audience 5, but 0 offered + 0 suppressed": {"audience": AUDIENCE | {"winter": 5}},
    "campaign summer: audience 0, but 1 offered + 0 suppressed": {"audience": {"spring": 3}},
    "both offered and suppressed for the same campaign: 1": {"suppressions": suppressions("anna spring NOT_DUE")},
    "a slot that the member has filled already: 1": {"offers": offers(f"{GOOD}\n anna 1 summer sms 0.25")},
    "member and campaign that is suppressed already: 2": {
        "suppressions": suppressions("carl spring NOT_DUE\n" * 3),
    },
    "offers in a slot below 1: 1": {"offers": offers("anna 0 spring email 0.5")},
    "offers whose relevance is not a number within 0..1: 4": {
        "offers": offers(
            "a 1 spring email 1.5\n b 1 spring sms nan\n c 1 spring sms -0.1\n d 1 spring sms inf\n e 1 spring sms -"
        )
    },
    "expected value is not a finite number: 1": {"offers": offers(GOOD, expected_value=float("nan"))},
    "threshold is not a number within 0..1: 1": {
        "suppressions": suppressions("carl spring NOT_DUE", threshold=float("nan")),
    },
    "offers that end before they begin: 1": {"offers": offers(GOOD, valid_until=datetime(2017, 10, 30, 4, tzinfo=UTC))},
    "a fact that the member is asked about already: 1": {"reasks": reasks("anna interest x\n anna interest y")},
    "suppressions without a known reason code: 3": {
        "suppressions": suppressions(
            "carl spring NO_SUCH\n dag spring NOT_DUE,NO_SUCH\n eva spring NOT_DUE,low_relevance"
        ),
    },
}


@pytest.mark.promise("R4")
@pytest.mark.parametrize("message", FAULTS)
def test_a_faulty_batch_is_refused_with_its_numbers_and_the_old_one_stays(marts: Marts, message: str) -> None:
    before = publish(marts, a_batch(MONDAY))
    with pytest.raises(PublishRefused) as refused:
        publish(marts, a_batch(TUESDAY), **FAULTS[message])
    assert message in str(refused.value)
    assert "carl" not in str(refused.value)
    current = marts.current()
    assert current
    assert current.batch_id == before.batch_id
    assert rows(marts.engine, "SELECT count(*) FROM marts.offer_table") == [(3,)]
    assert rows(marts.engine, "SELECT count(*) FROM platform.offers") == [(3,)]
    assert rows(marts.engine, "SELECT state FROM marts.batches") == [("published",)]


def test_a_value_that_postgresql_does_not_take_is_named_by_row_and_column_and_never_shown(marts: Marts) -> None:
    for others, place in (
        ({"evidence": '{"secret": NaN}'}, "row 1, column evidence"),
        ({"merge_fields": "not json, secret"}, "row 1, column merge_fields"),
        ({"reason": None}, "row 1, column reason"),
        ({"reason": "secret \0"}, "row 1"),
    ):
        with pytest.raises(PublishRefused, match=place) as refused:
            publish(marts, offers=offers(GOOD, **others))
        assert "secret" not in str(refused.value)
    assert marts.current() is None


def test_rows_of_another_shape_are_refused_by_column(marts: Marts) -> None:
    with pytest.raises(InputError, match="lack the columns channel, reason"):
        publish(marts, offers=offers(OFFERS).drop_columns(["reason", "channel"]))
    wrong = offers(GOOD).set_column(1, "slot", pa.array(["first"]))
    with pytest.raises(InputError, match="column slot: string is not int64"):
        publish(marts, offers=wrong)
    assert rows(marts.engine, "SELECT count(*) FROM marts.batches") == [(0,)]


def test_a_source_of_rows_that_fails_half_way_publishes_nothing_and_its_own_error_is_heard(marts: Marts) -> None:
    table = offers(OFFERS)

    def half() -> object:
        yield table.to_batches()[0]
        raise ZeroDivisionError("scoring broke")

    with pytest.raises(ZeroDivisionError, match="scoring broke"):
        publish(marts, offers=pa.RecordBatchReader.from_batches(table.schema, half()))
    assert rows(marts.engine, "SELECT count(*) FROM platform.offers") == [(0,)]
    assert publish(marts).state == "published"
