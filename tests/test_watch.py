"""Somebody outside of Dagster sees that a night is missing, and tells; and nothing is told of a quiet night."""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.installation import Installation, installation
from tests.small_club import small_club
from tests.whole_night import NIGHT


@pytest.fixture(scope="module")
def club() -> Iterator[Installation]:
    with installation() as at:
        at.hand_in(small_club(members=60))
        answer = at.call("nightly", "--as-of", NIGHT)
        assert answer.code == 0, answer.text
        yield at


@pytest.mark.promise("R7")
def test_a_batch_of_this_morning_is_well_and_one_of_the_day_before_yesterday_is_an_alarm(club: Installation) -> None:
    well = club.call("watch", "--no-daemon")
    assert (well.code, "ALARM" in well.text) == (0, False), well.text
    club.rows("UPDATE platform.batches SET published_at = published_at - interval '50 hours' RETURNING 1")
    late = club.call("watch", "--no-daemon")
    assert late.code == 1
    assert f"ALARM batch: of {NIGHT}, published 50.0 hours ago" in late.text
    assert club.call("watch", "--no-daemon", "--batch-hours", "60").code == 0
    club.rows("UPDATE platform.batches SET published_at = published_at + interval '50 hours' RETURNING 1")


@pytest.mark.promise("R7")
def test_a_daemon_that_is_silent_is_an_alarm(club: Installation) -> None:
    assert "ALARM daemon: has never run" in club.call("watch").text
    heartbeat = "INSERT INTO dagster.daemon_heartbeats (daemon_type, daemon_id, timestamp, body) VALUES ('SCHEDULER', 'x', now() at time zone 'utc' - interval '{} minutes', '{{}}') ON CONFLICT (daemon_type) DO UPDATE SET timestamp = excluded.timestamp RETURNING 1"
    club.rows(heartbeat.format(3))
    assert "ok daemon: last heard of 3 minutes ago" in club.call("watch").text
    club.rows(heartbeat.format(5))
    assert "ALARM daemon: last heard of 5 minutes ago" in club.call("watch").text


@pytest.mark.promise("R7")
def test_a_run_that_hangs_is_an_alarm(club: Installation) -> None:
    club.rows(
        "UPDATE dagster.runs SET status = 'STARTED', start_time = extract(epoch FROM now() - interval '5 hours') RETURNING 1"
    )
    assert "ALARM runs: 1 have been running for more than four hours" in club.call("watch", "--no-daemon").text
    club.rows("UPDATE dagster.runs SET status = 'SUCCESS' RETURNING 1")


def test_a_ledger_tampered_with_is_an_alarm_that_names_the_place(club: Installation) -> None:
    club.rows("SELECT marts.opt_out('x'), marts.opt_out('y')")
    club.rows(
        "ALTER TABLE live.events DISABLE TRIGGER USER; DELETE FROM live.events WHERE member_id = 'x'; ALTER TABLE live.events ENABLE TRIGGER USER; SELECT 1"
    )
    assert "ALARM ledger events: changed or cut off at place 2" in club.call("watch", "--no-daemon").text
    club.rows(
        "ALTER TABLE live.events DISABLE TRIGGER USER; DELETE FROM live.events; ALTER TABLE live.events ENABLE TRIGGER USER; SELECT 1"
    )


@pytest.mark.promise("R7")
def test_an_alarm_reaches_a_webhook_and_a_program(club: Installation) -> None:
    heard: list[dict[str, object]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.handle_request, daemon=True).start()
    noted = club.folder / "noted.txt"
    program = f"{sys.executable} -c \"import sys; open('{noted}', 'w').write(sys.stdin.read())\""
    answer = club.call(
        "watch", "--batch-hours", "0.1", "--webhook", f"http://127.0.0.1:{server.server_port}/", "--command", program
    )
    server.server_close()
    assert answer.code == 1
    assert "daemon" in heard[0]["alarms"]  # type: ignore[operator]
    assert "daemon: " in Path(noted).read_text()


@pytest.mark.parametrize("way", [("--webhook", "http://127.0.0.1:9/"), ("--command", "no-such-program")])
def test_an_alarm_that_reaches_nobody_is_an_error_of_its_own(club: Installation, way: tuple[str, str]) -> None:
    answer = club.call("watch", *way)
    assert answer.code == 2
    assert way[0] in answer.text
    assert "daemon" in answer.text


@pytest.mark.promise("R7")
def test_a_database_that_is_away_is_an_alarm_too(club: Installation) -> None:
    away = Installation(club.folder, {"HEMSIL_DATABASE_URL": "postgresql://hemsil@127.0.0.1:9/hemsil"})
    answer = away.run("watch", "--no-daemon")
    assert answer.code == 1
    assert "ALARM database: PostgreSQL at" in answer.text


def test_a_disk_too_full_stops_the_night_before_it_begins(club: Installation) -> None:
    full = Installation(club.folder, {"HEMSIL_LEAST_FREE_GB": "99999"})
    answer = full.call("nightly", "--as-of", NIGHT, "--again")
    assert answer.code == 1
    assert "HEMSIL_LEAST_FREE_GB asks for 99999" in answer.text
    assert club.one("SELECT count(*) FROM platform.batches") == 1


def test_the_doctor_finds_a_new_installation_well_and_says_how_to_mend_what_is_not(club: Installation) -> None:
    well = club.call("doctor")
    assert (well.code, "BAD" in well.text) == (0, False), well.text
    (club.home / "lake").chmod(0o755)
    (club.home / "dagster" / "dagster.yaml").write_text("storage: {postgres: {postgres_url: 'postgresql://a:b@c/d'}}")
    club.rows("GRANT SELECT ON platform.offers TO hemsil_marketer; GRANT INSERT ON live.events TO hemsil_web; SELECT 1")
    ill = Installation(
        club.folder,
        {
            "HEMSIL_MLFLOW_URI": "http://mlflow.example.com",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "true",
            "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "true",
            "MLFLOW_SERVER_ALLOWED_HOSTS": "*",
            "HEMSIL_LEAST_FREE_GB": "99999",
        },
    ).run("doctor")
    assert ill.code == 1
    for said in (
        f"chmod 700 {club.home / 'lake'}",
        "BAD dagster.yaml: holds an address or a password",
        "BAD role hemsil_marketer: may do more than its own work: SELECT on platform.offers",
        "REVOKE INSERT ON live.events FROM hemsil_web",
        "BAD MLFLOW_SERVER_ENABLE_JOB_EXECUTION: true",
        "BAD MLflow's pickle loading: true",
        "BAD MLflow's allowed hosts: *",
        "BAD free space",
        "BAD MLflow: mlflow.example.com is reached without encryption",
    ):
        assert said in ill.text, said
    club.rows("REVOKE ALL ON platform.offers FROM hemsil_marketer; REVOKE ALL ON live.events FROM hemsil_web; SELECT 1")


def test_grants_are_told_role_by_role(club: Installation) -> None:
    told = club.call("db", "grants").text
    assert "hemsil_mailer" in told
    assert "claim(" in told
