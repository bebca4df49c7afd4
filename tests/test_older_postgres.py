"""What members say on a PostgreSQL that a club already has: Debian's, where it is installed, has fewer escapes and knows the letters of
its locale alone."""

from collections.abc import Iterator

import pytest
from sqlalchemy.engine import Engine

from resources.database import migrate, open_database
from tests.batch_rows import rows
from tests.debian_postgres import foreign_server


@pytest.fixture(scope="module")
def theirs() -> Iterator[Engine]:
    with foreign_server() as server:
        engine = open_database(server.new_account("club").url)
        rows(engine, "GRANT CREATE ON DATABASE club TO club")
        migrate(engine)
        yield engine
        engine.dispose()


@pytest.mark.promise("R1")
def test_an_id_keeps_its_letters_and_loses_the_blanks_around_it(theirs: Engine) -> None:
    for member in ("v117v", "viktor", "\t olav\v\r\n"):
        rows(theirs, "SELECT marts.opt_out(:member)", member=member)
    assert rows(theirs, "SELECT member_id FROM live.events ORDER BY place") == [("v117v",), ("viktor",), ("olav",)]


def test_a_refused_thing_is_met_in_letters_that_ascii_does_not_have(theirs: Engine) -> None:
    rows(theirs, "INSERT INTO platform.scopes VALUES (1, 'beer', 'brand', 'ÆRLIG ØL', interval '1 year')")
    rows(theirs, "SELECT marts.feedback('anna', 'brand', ' Ærlig øl')")
    assert rows(theirs, "SELECT member_id, offer_id FROM platform.refused") == [("anna", "beer")]
