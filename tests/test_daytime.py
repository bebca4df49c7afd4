"""What members say in the daytime, and what mailing tools send, is in the next night's tables as the club would have
written it."""

from pathlib import Path

import ibis
import ibis.expr.types as ir
import pytest

from ml.audiences import NOBODY as NO_MEMBER
from ml.errors import SettingsError
from resources.daytime import of_strangers, with_the_daytime
from resources.erasure import Erased, digest, erased_members, erasure_key
from resources.marts import Marts
from tests.batch_rows import offers, publish, rows
from tests.test_claims import STILL_ON

NOBODY = Erased(b"", frozenset())


@pytest.fixture
def club() -> dict[str, ir.Table]:
    return {
        "members": _table(member_id=["anna", "berit"]),
        "mailings": _table(mailing_id=["1"], member_id=["anna"], campaign_id=["spring"], channel=["email"], sent_at=["2024-01-01T00:00:00Z"]),
        "consents": _table(member_id=["anna"], purpose=["marketing"], channel=["email"], granted=["true"], recorded_at=["2024-01-01T00:00:00Z"]),
    }  # fmt: skip


def _table(**columns: list[str]) -> ir.Table:
    return ibis.memtable(columns)


def told(tables: dict[str, ir.Table], name: str, *columns: str) -> list[tuple[object, ...]]:
    found = tables[name].select(*columns).order_by(*columns).to_pyarrow().to_pylist()
    return [tuple(row.values()) for row in found]


def test_a_quiet_day_leaves_the_tables_as_they_are(marts: Marts, club: dict[str, ir.Table]) -> None:
    assert with_the_daytime(club, marts.engine, NOBODY) == club


def test_an_opt_out_a_preference_and_a_not_for_me_are_read_with_the_clubs_own(
    marts: Marts, club: dict[str, ir.Table]
) -> None:
    rows(marts.engine, "SELECT marts.opt_out('anna', 'email', 'web', '2024-02-01T10:00:00Z')")
    rows(marts.engine, "SELECT marts.prefer('anna', 'sms', true, 2), marts.feedback('berit', 'brand', 'Acme')")
    tables = with_the_daytime(club, marts.engine, NOBODY)
    assert told(tables, "consents", "member_id", "channel", "granted", "recorded_at") == [
        ("anna", "email", "false", "2024-02-01T10:00:00.000000Z"),
        ("anna", "email", "true", "2024-01-01T00:00:00Z"),
    ]
    assert told(tables, "preferences", "member_id", "channel", "wanted", "max_per_week") == [
        ("anna", "sms", "true", "2")
    ]
    assert told(tables, "feedback", "member_id", "scope", "scope_id", "verdict") == [
        ("berit", "brand", "Acme", "not_for_me")
    ]


def test_a_club_that_records_no_consents_is_not_made_one_that_does(marts: Marts, club: dict[str, ir.Table]) -> None:
    rows(marts.engine, "SELECT marts.opt_out('anna')")
    del club["consents"]
    assert "consents" not in with_the_daytime(club, marts.engine, NOBODY)


def test_what_was_confirmed_counts_as_mailed_and_what_the_club_reports_too_is_counted_once(
    marts: Marts, club: dict[str, ir.Table]
) -> None:
    publish(
        marts, offers=offers("anna 1 spring email 0.5\n berit 1 spring email 0.5", **STILL_ON), audience={"spring": 3}
    )
    rows(marts.engine, "SELECT marts.confirm(array_agg(claim_id)) FROM marts.claim('spring', 'email', 9)")
    found = told(with_the_daytime(club, marts.engine, NOBODY), "mailings", "member_id", "campaign_id", "channel")
    assert found == [("anna", "spring", "email"), ("berit", "spring", "email")]


def test_what_was_claimed_and_not_sent_is_no_mailing(marts: Marts, club: dict[str, ir.Table]) -> None:
    publish(marts, offers=offers("berit 1 spring email 0.5", **STILL_ON), audience={"spring": 2})
    rows(marts.engine, "SELECT * FROM marts.claim('spring', 'email', 9)")
    assert len(told(with_the_daytime(club, marts.engine, NOBODY), "mailings", "member_id")) == 1


@pytest.mark.promise("R11")
def test_an_old_file_that_brings_an_erased_member_back_is_not_believed(
    marts: Marts, club: dict[str, ir.Table], home: Path
) -> None:
    key = erasure_key(home / "keys" / "erasure.key")
    rows(marts.engine, "INSERT INTO live.erased VALUES (:digest, 'asked')", digest=digest(key, "ANNA "))
    erased = erased_members(marts.engine, home / "keys" / "erasure.key")
    tables = with_the_daytime(club, marts.engine, erased)
    assert told(tables, "members", "member_id") == [("berit",)]
    assert told(tables, "mailings", "member_id") == told(tables, "consents", "member_id") == []


def test_a_campaign_planned_for_an_erased_member_alone_is_not_for_everybody_now(
    marts: Marts, club: dict[str, ir.Table], home: Path
) -> None:
    rows(
        marts.engine,
        "INSERT INTO live.erased VALUES (:digest, 'asked')",
        digest=digest(erasure_key(home / "key"), "anna"),
    )
    named = club | {"audiences": _table(campaign_id=["test", "all"], member_id=["anna", "berit"])}
    tables = with_the_daytime(named, marts.engine, erased_members(marts.engine, home / "key"))
    assert told(tables, "audiences", "campaign_id", "member_id") == [("all", "berit"), ("test", NO_MEMBER)]


def test_a_lost_key_stops_the_night_as_nobody_erased_could_be_recognised(marts: Marts, home: Path) -> None:
    rows(marts.engine, "INSERT INTO live.erased VALUES ('00', 'asked')")
    with pytest.raises(SettingsError, match="1 members have been erased and the key"):
        erased_members(marts.engine, home / "keys" / "erasure.key")


def test_the_key_is_made_once_and_is_for_its_owner_alone(home: Path) -> None:
    file = home / "keys" / "erasure.key"
    assert erasure_key(file) == erasure_key(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(erasure_key(file)) == 32


def test_a_club_whose_ids_are_numbers_hears_of_any_id_and_no_night_stops_for_it(
    marts: Marts, club: dict[str, ir.Table]
) -> None:
    consents = club["consents"]
    club["consents"] = consents.mutate(member_id=ibis.literal(117))
    rows(marts.engine, "SELECT marts.opt_out('117', 'sms', 'web', '2024-02-01T10:00:00Z'), marts.opt_out('someone')")
    tables = with_the_daytime(club, marts.engine, NOBODY)
    assert told(tables, "consents", "member_id", "channel") == [("117", "email"), ("117", "sms"), ("someone", "all")]


def test_rows_of_strangers_that_we_were_told_are_no_fault_of_the_clubs_tables(marts: Marts) -> None:
    rows(marts.engine, "SELECT marts.opt_out('someone'), marts.prefer('a bot', 'sms')")
    aside = _table(
        table_name=["consents", "consents", "consents", "preferences", "transactions", "consents"],
        rule=["unknown:member_id"] * 5 + ["type:granted"],
        member_id=["someone", "someone", "of the club's own", "a bot", "someone", "someone"],
    )
    assert of_strangers(aside, marts.engine) == {"consents": 2, "preferences": 1}
