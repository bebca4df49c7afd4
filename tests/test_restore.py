"""A database restored from a backup of two days ago: nothing is shown until it has heard again what members said since."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from resources.database import open_database
from resources.ledger_copy import LedgerCopy
from resources.marts import Marts
from tests.batch_rows import OFFERS, a_batch, offers, publish, rows
from tests.installation import Installation, installation
from tests.postgres import PostgresServer
from tests.small_club import small_club
from tests.test_claims import STILL_ON, TONIGHT
from tests.whole_night import NIGHT

SHOWN = "SELECT DISTINCT member_id FROM marts.offer_table ORDER BY 1"
HIDDEN = "SELECT hidden_because FROM marts.batches WHERE is_current"


def backup(marts: Marts, server: PostgresServer) -> Marts:
    """The database as it is now, in another one, as a dump would be when it is restored."""
    name = marts.engine.url.database
    marts.engine.dispose()
    # A session that is ending, of a test before, may still be there: a template must have none.
    server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    server.run(f'CREATE DATABASE "{name}_again" TEMPLATE "{name}"')
    return Marts(open_database(marts.engine.url.set(database=f"{name}_again").render_as_string(hide_password=False)))


def tonight(marts: Marts) -> None:
    publish(marts, a_batch(TONIGHT, shown_hours=480.0), offers=offers(OFFERS, **STILL_ON))


@pytest.mark.promise("F20")
@pytest.mark.promise("R3")
def test_a_restored_database_shows_nothing_before_it_has_heard_again_what_was_said_since(
    marts: Marts, postgres_server: PostgresServer, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    tonight(marts)
    rows(marts.engine, "SELECT marts.opt_out('carl')")
    copy = LedgerCopy(tmp_path / "ledger", marts.engine)
    copy.keep()
    restored = backup(marts, postgres_server)

    rows(marts.engine, "SELECT marts.opt_out('anna', 'all', 'web'), marts.feedback('berit', 'brand', 'x')")
    assert rows(marts.engine, "SELECT member_id FROM marts.claim('spring', 'email', 9)") == [("berit",)]
    assert copy.keep() == 3

    assert rows(restored.engine, SHOWN) == []
    assert rows(restored.engine, HIDDEN) == [
        ("the database was restored, and has not yet heard again what members said since",)
    ]
    copy = LedgerCopy(tmp_path / "ledger", restored.engine)
    assert copy.behind() == "the database was restored from a backup"
    assert copy.hear_again() == {"events": 1, "feedback": 1, "claims": 1}
    assert rows(restored.engine, SHOWN) == [("berit",)]
    assert rows(restored.engine, "SELECT * FROM marts.claim('spring', 'email', 9)") == []  # berit was written to
    assert rows(restored.engine, "SELECT live.first_fault('live.events')") == [(None,)]
    assert (copy.behind(), copy.keep(), copy.hear_again()) == ("", 0, {})
    restored.engine.dispose()
    postgres_server.drop_database(restored.engine.url.render_as_string(hide_password=False))
    record_property(
        "figure", "a backup without the last opt-out: 0 offers shown before it was heard again, 0 of that member after"
    )


@pytest.mark.promise("F20")
@pytest.mark.promise("R3")
def test_an_older_backup_restored_over_the_same_database_is_noticed_by_what_the_ledger_has_lost(
    marts: Marts, tmp_path: Path
) -> None:
    tonight(marts)
    rows(marts.engine, "SELECT marts.opt_out('anna'), marts.opt_out('carl')")
    copy = LedgerCopy(tmp_path / "ledger", marts.engine)
    copy.keep()
    with marts.engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
        connection.execute(sa.text("DELETE FROM live.events WHERE member_id = 'anna' OR place > 1"))
    rows(marts.engine, "SELECT marts.opt_out('dora'), marts.opt_out('eva')")  # the lost places are taken again
    assert "the ledger events has lost what was in it at place 2" in copy.behind()
    assert copy.hear_again() == {"events": 2}
    assert rows(marts.engine, SHOWN) == [("berit",)]
    assert copy.behind() == ""


def test_a_line_cut_off_by_a_power_cut_and_a_lost_note_do_no_harm(marts: Marts, tmp_path: Path) -> None:
    rows(marts.engine, "SELECT marts.opt_out('anna'), marts.opt_out('carl')")
    copy = LedgerCopy(tmp_path / "ledger", marts.engine)
    assert copy.keep() == 2
    (tmp_path / "ledger" / "heads.json").unlink()
    with (tmp_path / "ledger" / "said.jsonl").open("a") as file:
        file.write('{"ledger": "events", "row": {"member_')
    assert copy.keep() == 2
    assert copy.hear_again() == {}
    assert rows(marts.engine, "SELECT count(*) FROM live.events") == [(2,)]


@pytest.fixture(scope="module")
def club() -> Iterator[Installation]:
    with installation() as at:
        at.hand_in(small_club(members=60, answers=False))
        answer = at.call("nightly", "--as-of", NIGHT)
        assert answer.code == 0, answer.text
        yield at


@pytest.mark.promise("F20")
@pytest.mark.slow
@pytest.mark.promise("R3")
@pytest.mark.promise("R11")
def test_an_installation_whose_database_is_put_back_is_healed_by_one_command(club: Installation) -> None:
    """A member who said no and one who was erased since the dump are in no list, whatever the dump has."""
    [(said_no,), (erased,), *_] = club.rows("SELECT DISTINCT member_id FROM marts.offer_table ORDER BY 1")
    on_databases(club, "CREATE DATABASE before TEMPLATE hemsil")
    assert club.call("object", said_no).code == 0
    assert club.call("erase", erased, "--yes").code == 0
    on_databases(club, "ALTER DATABASE hemsil RENAME TO lost", "ALTER DATABASE before RENAME TO hemsil")

    assert club.rows("SELECT * FROM marts.offer_table") == []
    watched = club.call("watch", "--no-daemon")
    assert (watched.code, "ALARM ledger's copy: the database was restored from a backup" in watched.text) == (1, True)
    healed = club.call("db", "replay")
    assert healed.code == 0, healed.text
    assert "heard again what was said since (erased 1, events 1); members erased again: 1" in healed.text
    still = {member for (member,) in club.rows("SELECT member_id FROM marts.offer_history")}
    assert still
    assert not still & {said_no, erased}
    assert club.call("watch", "--no-daemon").code == 0


def on_databases(at: Installation, *statements: str) -> None:
    """Statements on databases, from another one, while nobody is in them: a template is the quickest dump and restore."""
    connection = psycopg2.connect(make_url(at.url).set(database="postgres").render_as_string(hide_password=False))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ('hemsil', 'before')")
        for statement in statements:
            cursor.execute(statement)
    connection.close()
