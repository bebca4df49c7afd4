"""What is known of a member is told also of whom the club has since lost; and an id written otherwise is the same member's."""

import importlib
import pkgutil
from datetime import datetime
from pathlib import Path

import ibis
import pytest

import ml
from assets.tables import ASSET_TABLES
from ml.lake_tables import QUARANTINE
from ml.published_tables import PUBLISHED_TABLES
from ml.source_tables import MEMBERS
from ml.tables import Table, Type
from ml.validation import VALIDATION
from resources.forget import forget
from resources.known_of import known_of
from resources.marts import Marts
from resources.members_word import silence
from resources.platform import Platform
from resources.settings import Settings
from tests.batch_rows import offers, publish, reasks, rows

MONDAY, TUESDAY = "2017-10-30", "2017-10-31"


@pytest.fixture
def platform(marts: Marts, home: Path) -> Platform:
    """Anna, Berit and carl on Monday; on Tuesday the club no longer has Anna."""
    found = Platform(Settings(home=home, database_url=marts.engine.url.render_as_string(hide_password=False)))
    found.__dict__["marts"] = marts
    for date, ids in ((MONDAY, ["Anna", "Berit", "carl"]), (TUESDAY, ["Berit", "carl"])):
        others = {c.name: ibis.null(c.type.ibis) for c in MEMBERS.columns if c.name != "member_id"}
        members = ibis.memtable({"member_id": ids}, schema={"member_id": Type.STRING.ibis}).mutate(**others)
        found.lake.write(MEMBERS, date, members.select(*MEMBERS.names))
    return found


def test_a_member_whom_the_newest_night_does_not_know_is_told_what_the_last_one_knew(
    platform: Platform, marts: Marts
) -> None:
    publish(marts, reasks=reasks("Anna size 42"))
    known = known_of(platform, "Anna", [MEMBERS])
    assert known["lake"]["members"]["business_date"] == MONDAY
    assert [row["last_value"] for row in known["database"]["questions we would ask again"]] == ["42"]
    assert known_of(platform, "Berit", [MEMBERS])["lake"]["members"]["business_date"] == TUESDAY


def test_who_is_erased_by_an_id_in_other_letters_of_case_is_erased(platform: Platform, marts: Marts) -> None:
    publish(marts, offers=offers("Berit 1 spring email 0.5\n dora 1 spring email 0.1"), audience={"spring": 3})
    rows(marts.engine, "SELECT marts.opt_out('BERIT', 'sms')")
    values = {"row_id": "1", "table_name": "members", "rule": "type:birth_year", "member_id": "berit"}
    aside = ibis.memtable([{**values, "row": '{"member_id":"berit"}', "found_at": datetime(2017, 10, 30)}])
    platform.lake.write(QUARANTINE, MONDAY, aside.select(*QUARANTINE.names).cast(QUARANTINE.schema))

    gone = forget(platform, " bERIT")
    assert gone.lake == {"members": 2, "quarantine": 1}
    assert gone.database == {"platform.offers": 1, "live.events": 1}
    assert rows(marts.engine, "SELECT DISTINCT member_id FROM marts.offer_table") == [("dora",)]


def test_who_waits_to_be_erased_is_shown_no_message_of_service_either(platform: Platform, marts: Marts) -> None:
    both = offers("Berit 1 spring email 0.5\n dora 1 spring email 0.1", message_class="service")
    publish(marts, offers=both, audience={"spring": 3})
    silence(platform, "Berit")
    assert rows(marts.engine, "SELECT DISTINCT member_id FROM marts.offer_table") == [("dora",)]


def test_every_table_of_the_lake_that_has_members_in_it_is_one_that_access_looks_into() -> None:
    """Whatever table is defined anywhere in the core: a new one must not be forgotten."""
    modules = [importlib.import_module(f"ml.{found.name}") for found in pkgutil.iter_modules(ml.__path__)]
    tables = {value.name: value for module in modules for value in vars(module).values() if isinstance(value, Table)}
    of_members = {name for name, table in tables.items() if any(column.name == "member_id" for column in table.columns)}
    looked_into = {table.name for table in (*ASSET_TABLES.values(), VALIDATION)}
    assert of_members - looked_into <= {table.name for table in PUBLISHED_TABLES}
    assert len(of_members) > 20
