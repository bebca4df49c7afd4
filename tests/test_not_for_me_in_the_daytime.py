"""A "not for me" of the daytime is of the same things as at night, however members and pages write them."""

import ibis
import pyarrow as pa
import pytest

from ml.thing_names import thing_of
from resources.batches import Beside
from resources.marts import Marts
from tests.batch_rows import publish, rows

ANNA = "SELECT campaign_id FROM marts.offer_table WHERE member_id = 'anna' ORDER BY 1"
SAY = "SELECT marts.feedback('anna', :scope, :said, :verdict)"


def spring_is_of(marts: Marts, scope: str, name: str) -> None:
    """Anna is offered spring, whose offer is of this thing, and summer."""
    covers = pa.table({"offer_id": ["spring-1"], "scope": [scope], "scope_id": [name], "lasts": ["365 days"]})
    publish(marts, beside=Beside(scopes=covers))


def say(marts: Marts, scope: str, said: str, verdict: str = "not_for_me") -> list[str]:
    """Of which campaigns Anna is still shown an offer."""
    rows(marts.engine, SAY, scope=scope, said=said, verdict=verdict)
    return [campaign for (campaign,) in rows(marts.engine, ANNA)]


@pytest.mark.promise("R1")
@pytest.mark.parametrize(
    ("scope", "name", "said", "same"),
    [
        ("category", "CHEESE", "CHEESE", True),
        ("category", "CHEESE", " cheese\t", True),
        ("category", "CHEESE", "Chee se", False),
        ("brand", " Ærlig Øl ", "æRLIG øL", True),
        ("department", "Kjøtt", "KJØTT\v", True),
        ("product", "p1", " p1 ", True),
        ("product", "p1", "P1", False),
        ("offer", "Spring-1", "spring-1", False),
        ("offer", "Spring-1", "\nSpring-1", True),
    ],
)
def test_a_group_is_named_in_any_letters_of_case_and_an_id_in_its_own(
    marts: Marts, scope: str, name: str, said: str, same: bool
) -> None:
    spring_is_of(marts, scope, name)
    assert say(marts, scope, said) == (["summer"] if same else ["spring", "summer"])
    at_night = ibis.memtable({"scope": [scope], "name": [name], "said": [said]})
    met = thing_of(at_night.scope, at_night["name"]) == thing_of(at_night.scope, at_night.said)
    assert at_night.select(met=met).to_pyarrow()["met"].to_pylist() == [same]


def test_more_like_this_takes_it_back_however_it_is_written(marts: Marts) -> None:
    spring_is_of(marts, "category", "CHEESE")
    assert say(marts, "category", "cheese") == ["summer"]
    assert say(marts, "category", "Cheese ", "more_like_this") == ["spring", "summer"]
    assert say(marts, "category", "CHEESE") == ["summer"]
