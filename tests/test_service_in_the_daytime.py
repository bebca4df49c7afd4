"""A reason that is given in the daytime holds for the classes of messages that its rule holds for at night."""

import pyarrow as pa
import pytest

from ml.reasons import Reason
from ml.rule import ALL_BUT_SERVICE, EVERY_CLASS
from ml.rules import RULES
from resources.batches import Beside
from resources.marts import Marts
from tests.batch_rows import AUDIENCE, offers, publish, rows
from tests.test_claims import STILL_ON, claim

OF_SPRING = pa.table({"offer_id": ["spring-1"], "scope": ["category"], "scope_id": ["CHEESE"], "lasts": ["365 days"]})
TWO_IDS = pa.table({"member_id": ["anna", "berit"], "other_id": ["berit", "anna"]})
SHOWN = "SELECT member_id, message_class FROM marts.offer_table WHERE campaign_id = 'spring' ORDER BY 1"
REASONS = "SELECT reason, reasons FROM marts.suppression_list WHERE member_id = 'anna' AND campaign_id = 'spring'"
BALANCE = "SELECT audience, to_send, suppressed FROM marts.campaign_summary WHERE campaign_id = 'spring'"
BOTH = "anna 1 spring email 0.5\n berit 1 spring email 0.4"


def tonight(marts: Marts, message_class: str | None) -> None:
    """Anna and Berit, who are two people, get an e-mail of spring, which is of this class."""
    publish(
        marts,
        offers=offers(BOTH, message_class=message_class, **STILL_ON),
        audience={"spring": AUDIENCE["spring"]},
        beside=Beside(scopes=OF_SPRING),
    )


@pytest.mark.promise("R1")
@pytest.mark.parametrize(
    ("word", "message_class", "reason"),
    [
        ("marts.opt_out('anna')", "service", None),
        ("marts.opt_out('anna')", "marketing", "OBJECTED"),
        ("marts.opt_out('anna')", "content", "OBJECTED"),
        ("marts.opt_out('anna')", None, "OBJECTED"),  # published before the class was kept
        ("marts.opt_out('anna', 'email')", "service", "CHANNEL_OPT_OUT"),
        ("marts.opt_out('anna', 'email')", "marketing", "CHANNEL_OPT_OUT"),
        ("marts.opt_out('anna', 'sms')", "service", None),
        ("marts.feedback('anna', 'category', 'CHEESE')", "service", None),
        ("marts.feedback('anna', 'category', 'CHEESE')", "content", "NOT_FOR_ME"),
        ("marts.feedback('anna', 'category', 'CHEESE')", None, "NOT_FOR_ME"),
    ],
)
def test_a_word_of_the_day_stops_a_message_of_these_classes(
    marts: Marts, word: str, message_class: str | None, reason: str | None
) -> None:
    tonight(marts, message_class)
    rows(marts.engine, f"SELECT {word}")
    shown = [("anna", message_class), ("berit", message_class)]
    assert rows(marts.engine, SHOWN) == (shown[1:] if reason else shown)
    assert rows(marts.engine, REASONS) == ([(reason, [reason])] if reason else [])
    assert rows(marts.engine, BALANCE) == [(3, 1, 2) if reason else (3, 2, 1)]


@pytest.mark.parametrize(
    ("code", "classes"),
    [
        (Reason.OBJECTED, ALL_BUT_SERVICE),
        (Reason.CHANNEL_OPT_OUT, EVERY_CLASS),
        (Reason.NOT_FOR_ME, ALL_BUT_SERVICE),
    ],
)
def test_they_are_the_classes_that_the_rule_of_the_night_holds_for(code: Reason, classes: tuple[str, ...]) -> None:
    assert [rule.classes for rule in RULES if rule.code == code] == [classes]


def test_who_objected_and_left_the_channel_gets_no_service_on_it_until_a_yes_to_either(marts: Marts) -> None:
    tonight(marts, "service")
    rows(marts.engine, "SELECT marts.opt_out('anna', 'email'), marts.opt_out('anna')")
    assert rows(marts.engine, REASONS) == [("CHANNEL_OPT_OUT", ["CHANNEL_OPT_OUT"])]
    rows(marts.engine, "SELECT marts.opt_in('anna', 'email')")
    assert len(rows(marts.engine, SHOWN)) == 2


def test_a_mailing_tool_is_handed_a_message_of_service_to_who_objected_to_marketing(marts: Marts) -> None:
    tonight(marts, "service")
    rows(marts.engine, "SELECT marts.opt_out('anna'), marts.opt_out('berit', 'email')")
    assert [member for _, member, _ in claim(marts)] == ["anna"]


def test_an_objection_under_the_other_id_of_a_person_leaves_service_alone_and_a_no_to_the_channel_does_not(
    marts: Marts,
) -> None:
    publish(
        marts,
        offers=offers(BOTH, message_class="service"),
        audience={"spring": 3},
        beside=Beside(same_person=TWO_IDS),
    )
    rows(marts.engine, "SELECT marts.opt_out('berit')")
    assert len(rows(marts.engine, SHOWN)) == 2
    rows(marts.engine, "SELECT marts.opt_out('berit', 'email')")
    assert rows(marts.engine, SHOWN) == []
    assert rows(marts.engine, BALANCE) == [(3, 0, 3)]
