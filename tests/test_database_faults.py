"""Publishing when PostgreSQL is restarted in the middle, when its disk is full, and when the answer to COMMIT is lost. Each with a
server of its own. Processes that are killed are in test_publish_faults.py.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy.engine import make_url

from ml.errors import DatabaseUnavailable, HemsilError
from ml.policy_operations import Publishing
from resources.database import migrate, open_database
from resources.embedded_postgres import EmbeddedPostgres
from resources.marts import Marts
from tests.batch_rows import MONDAY, a_batch, offers, publish
from tests.embedded_servers import home_for_a_test, postmaster
from tests.test_publish_faults import MONDAYS_OFFERS, TUESDAYS_LINES, TUESDAYS_OFFERS, assert_sound, shown, tuesday


@pytest.fixture
def own() -> Iterator[tuple[EmbeddedPostgres, Marts]]:
    """A server of the test's own, with Monday published."""
    with home_for_a_test() as home:
        server = EmbeddedPostgres(home / "postgres")
        engine = open_database(server.up())
        migrate(engine)
        marts = Marts(engine)
        publish(marts, a_batch(MONDAY))
        yield server, marts
        engine.dispose()
        server.down()


@pytest.mark.promise("F1")
@pytest.mark.parametrize("how", ["restarted", "killed"])
def test_postgresql_restarted_in_the_middle_of_copy_leaves_the_old_batch_and_the_next_run_publishes(
    own: tuple[EmbeddedPostgres, Marts], how: str
) -> None:
    server, marts = own
    table = offers(TUESDAYS_LINES)

    def half_then_restart() -> Iterator[pa.RecordBatch]:
        yield from table.to_batches()
        if how == "killed":
            os.kill(postmaster(server), signal.SIGKILL)
        else:
            server.down()
        server.up()
        yield from table.to_batches()

    with pytest.raises(DatabaseUnavailable):
        tuesday(marts, offers=pa.RecordBatchReader.from_batches(table.schema, half_then_restart()))
    assert shown(marts) == MONDAYS_OFFERS
    assert_sound(marts)
    assert tuesday(marts) == "published"
    assert shown(marts) == TUESDAYS_OFFERS
    assert_sound(marts)


class Cut:
    """Between a client and the server; `cut` lets the next message of the client through, and never the answer to it."""

    def __init__(self, to: Path) -> None:
        self.to, self.cut = to, False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self.to))
            gone = threading.Event()
            threading.Thread(target=self._carry, args=(client, server, gone, True), daemon=True).start()
            threading.Thread(target=self._carry, args=(server, client, gone, False), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket, gone: threading.Event, asking: bool) -> None:
        try:
            while data := source.recv(1 << 16):
                if gone.is_set():
                    continue  # the answer, which nobody gets
                if asking and self.cut and b"COMMIT" in data:
                    self.cut = False
                    gone.set()
                    target.sendall(data)
                    threading.Event().wait(1)  # the server has committed by then
                    source.shutdown(socket.SHUT_RDWR)
                    return
                target.sendall(data)
        except OSError:
            pass
        finally:
            target.close()


@pytest.mark.promise("F6")
def test_a_connection_lost_between_commit_and_its_answer_is_looked_up_and_nothing_is_published_twice(
    own: tuple[EmbeddedPostgres, Marts],
) -> None:
    _, direct = own
    url = make_url(direct.engine.url.render_as_string(hide_password=False))
    proxy = Cut(Path(str(url.query["host"])) / f".s.PGSQL.{url.query['port']}")
    through = url.set(host="127.0.0.1", port=proxy.port, query={}).render_as_string(hide_password=False)
    marts = Marts(open_database(through))

    def cut(step: str) -> None:
        proxy.cut = step == "shown"

    assert tuesday(marts, on_step=cut) == "published"
    assert not proxy.cut
    assert shown(direct) == TUESDAYS_OFFERS
    assert_sound(direct)
    assert tuesday(marts) == "already_published"
    marts.engine.dispose()
    proxy.listener.close()


def on_a_small_disk() -> None:
    """Run by the test below on a disk of 160 MB that nobody else sees: what happens is printed as JSON."""
    folder = Path(sys.argv[1])
    server = EmbeddedPostgres(folder / "postgres")
    engine = open_database(server.up())
    migrate(engine)
    marts = Marts(engine, Publishing(least_audience=100_000))  # so many more members are no alarm here
    publish(marts, a_batch(MONDAY))
    many = offers("\n".join(f"m{n} 1 spring email 0.5" for n in range(20_000)))
    told: dict[str, Any] = {}
    with (folder / "filler").open("wb") as filler:
        try:
            while True:
                filler.write(b"0" * (1 << 16))
                filler.flush()
        except OSError:
            pass
    try:
        tuesday(marts, offers=many, audience={"spring": 20_000})
    except HemsilError as error:
        told["refused"] = [type(error).__name__, str(error)]
    (folder / "filler").unlink()
    server.up()
    told["still shown"] = shown(marts) == MONDAYS_OFFERS
    told["next"] = tuesday(marts, offers=many, audience={"spring": 20_000})
    assert_sound(marts)
    told["shown"] = len(shown(marts))
    engine.dispose()
    server.down()
    print(json.dumps(told))


@pytest.mark.promise("F3")
def test_a_full_disk_under_postgresql_is_told_and_the_old_batch_stays_and_room_heals_it(tmp_path: Path) -> None:
    if not can_mount():
        pytest.skip("this system lets nobody mount a small disk")
    code = "import sys; from tests.test_database_faults import on_a_small_disk; on_a_small_disk()"
    with home_for_a_test() as home:
        script = f"mount -t tmpfs -o size=160m,mode=755 none {home} && exec {sys.executable} -c '{code}' {home}"
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", script], check=False, capture_output=True, text=True, timeout=200
        )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    kind, words = told["refused"]
    assert kind == "DatabaseUnavailable"
    assert "No space left" in words or "PostgreSQL" in words
    assert (told["still shown"], told["next"], told["shown"]) == (True, "published", 20_000)


def can_mount() -> bool:
    """Whether this user may give a process a disk of its own."""
    alone = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(alone, check=False, capture_output=True).returncode == 0
