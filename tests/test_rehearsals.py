"""Whole nights to which something befalls: a disk that fills, a club that says no, a feed that lost its refusals, an erasure or
a second night in the middle. After each, what is shown is one whole batch without anybody who is stopped, and the next
command heals the rest.
"""

import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import datetime

import pandas as pd
import pytest

from resources.settings import TOOL_ENVIRONMENT
from tests.installation import HEMSIL, Answer, Installation, installation
from tests.small_club import small_club
from tests.test_database_faults import can_mount
from tests.test_member_rights import in_files, in_the_database, in_the_lake
from tests.test_night_faults import wait_for
from tests.whole_night import EARLIER, NIGHT, run_job

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]
COMMAND = ("nightly", "--as-of", NIGHT)
FEW = 120  # members; enough to train on
ENOUGH = 300  # members; enough for a model that the gate lets through
Frames = dict[str, pd.DataFrame]


@pytest.fixture
def at() -> Iterator[Installation]:
    with installation() as made:
        made.hand_in(small_club(members=60, answers=False))
        yield made


def balanced(at: Installation, night: str = NIGHT) -> None:
    """One whole batch is shown, of the night; every member of every campaign is accounted for; nobody is on both lists."""
    assert at.rows("SELECT business_date::text FROM marts.batches WHERE is_current") == [(night,)]
    assert at.one("SELECT count(*) FROM marts.campaign_summary WHERE audience <> to_send + suppressed") == 0
    assert len(at.rows("SELECT DISTINCT batch_id FROM marts.offer_table")) <= 1
    both = "SELECT count(*) FROM marts.offer_table JOIN marts.suppression_list USING (campaign_id, member_id)"
    assert at.one(both) == 0


def with_a_small_disk(at: Installation, under: str, size: str, *command: str) -> Answer:
    """`hemsil ...` while a folder of its data is a disk of that size, which nobody else sees."""
    place = at.home / under
    place.mkdir(parents=True, exist_ok=True)
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("HEMSIL_", "DAGSTER_"))}
    script = f"mount -t tmpfs -o size={size},mode=700 none {place} && exec {HEMSIL} {' '.join(command)}"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], check=False, env=environment | TOOL_ENVIRONMENT | at.variables,
        cwd=at.folder, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    return Answer(done.returncode, done.stdout + done.stderr)


@pytest.mark.promise("F4")
def test_a_disk_full_of_the_lake_ends_the_night_with_the_cause_and_room_heals_it(at: Installation) -> None:
    if not can_mount():
        pytest.skip("this system lets nobody mount a small disk")
    assert at.call("nightly", "--as-of", EARLIER).code == 0
    full = with_a_small_disk(at, "lake", "300k", *COMMAND)
    assert full.code == 1, full.text
    assert "No space left on device" in full.text
    assert "Traceback" not in full.text
    balanced(at, EARLIER)
    assert at.call(*COMMAND).code == 0
    balanced(at)


@pytest.mark.slow
@pytest.mark.promise("F5")
def test_a_disk_full_of_models_costs_the_night_its_training_and_not_its_offers() -> None:
    if not can_mount():
        pytest.skip("this system lets nobody mount a small disk")
    with installation() as at:
        at.hand_in(small_club(members=ENOUGH))
        full = with_a_small_disk(at, "mlflow", "64k", *COMMAND)
        assert full.code == 0, full.text
        assert "Decided by rules without a model" in full.text
        balanced(at)
        assert at.call(*COMMAND, "--again").code == 0
        assert at.rows("SELECT fallback_step FROM marts.batches WHERE is_current") == [("A",)]


def all_said(answer: bool, frames: Frames) -> Frames:
    consents = frames["consents"]
    marketing = consents.purpose == "marketing"
    if answer:
        return frames | {"consents": consents[~marketing | consents.granted.astype(bool)]}
    withdrawn = consents[marketing & consents.granted.astype(bool)].assign(
        granted=False, recorded_at=datetime(2024, 3, 14, 12)
    )
    return frames | {"consents": pd.concat([consents, withdrawn])}


@pytest.mark.promise("F14")
def test_a_club_in_which_everybody_opted_out_has_a_green_night_with_no_offers(at: Installation) -> None:
    assert at.call("nightly", "--as-of", EARLIER).code == 0
    assert at.one("SELECT count(*) FROM marts.offer_table") > 0
    at.hand_in(all_said(False, small_club(members=60, answers=False)))
    answer = at.call(*COMMAND)
    assert answer.code == 0, answer.text
    balanced(at)
    assert at.one("SELECT count(*) FROM marts.offer_table") == 0


@pytest.mark.promise("F15")
def test_a_feed_that_has_lost_every_refusal_is_blocked_with_the_number_and_the_old_batch_stays(
    at: Installation,
) -> None:
    assert at.call("nightly", "--as-of", EARLIER).code == 0
    at.hand_in(all_said(True, small_club(members=60, answers=False)))
    answer = at.call(*COMMAND)
    assert answer.code == 3, answer.text
    assert re.search(r"offered something without an opt-in: [1-9]", answer.text)
    balanced(at, EARLIER)
    at.hand_in(small_club(members=60, answers=False))
    assert at.call(*COMMAND).code == 0
    balanced(at)


@pytest.mark.promise("F13")
def test_a_day_without_purchases_is_a_night_and_a_missing_file_is_none(at: Installation) -> None:
    assert at.call("nightly", "--as-of", EARLIER).code == 0
    frames = small_club(members=60, answers=False)
    bought = frames["transactions"]
    at.hand_in(frames | {"transactions": bought[bought.occurred_at < datetime(2024, 3, 13)]})
    (at.folder / "club" / "transactions.csv").rename(at.folder / "kept.csv")
    missing = at.call(*COMMAND)
    assert missing.code == 2
    assert "has no table transactions" in missing.text
    balanced(at, EARLIER)
    (at.folder / "kept.csv").rename(at.folder / "club" / "transactions.csv")
    assert at.call(*COMMAND).code == 0
    balanced(at)


@pytest.mark.slow
@pytest.mark.promise("F19")
@pytest.mark.promise("R11")
def test_who_is_erased_while_a_night_trains_is_in_no_list_at_once_and_in_no_byte_after_it(
    record_property: Callable[[str, object], None],
) -> None:
    with installation() as at:
        frames = small_club(members=FEW)
        member = "kdzerasedmeanwhile01"
        at.hand_in({name: frame.replace({"kdz0001": member}) for name, frame in frames.items()})
        assert at.call("nightly", "--as-of", EARLIER).code == 0
        night = at.start(*COMMAND)
        wait_for(night, "examples")
        erasing = at.start("erase", member, "--yes")
        said = wait_for(erasing, "a")  # "a night is running: ..."
        assert "waiting for its end" in said
        assert at.one("SELECT count(*) FROM marts.offer_table WHERE member_id = %s", member) == 0
        night.communicate(timeout=900)
        assert night.returncode == 0
        rest, _ = erasing.communicate(timeout=900)
        assert erasing.returncode == 0, rest
        hits = in_the_lake(at, member) + in_the_database(at, member) + in_files(at, member)
        assert hits == []
        balanced(at)
        record_property("figure", f"{len(hits)} hits after an erasure that met a night in training")


@pytest.mark.promise("F18")
def test_a_night_started_by_hand_while_dagsters_own_runs_ends_as_one_batch(at: Installation) -> None:
    assert at.call("nightly", "--as-of", EARLIER).code == 0
    scheduled: list[bool] = []
    runs = threading.Thread(target=lambda: scheduled.append(run_job(at, "nightly", NIGHT).success))
    by_hand = at.start(*COMMAND)
    wait_for(by_hand, "source_tables")
    runs.start()  # waits for its turn, and finds the date published
    said, _ = by_hand.communicate(timeout=900)
    assert by_hand.returncode == 0, said
    runs.join(timeout=900)
    assert scheduled == [True]
    balanced(at)
    assert at.one("SELECT count(*) FROM marts.batches WHERE business_date = %s", NIGHT) == 1
