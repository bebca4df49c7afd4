"""`hemsil ui` as it is started and stopped, and what its three services answer; Dagster's own command in a checkout. What the
reports page shows is in test_reports_page.py.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from assets.tables import ASSET_TABLES
from resources.embedded_postgres import EmbeddedPostgres
from resources.settings import CHECKOUT
from tests.debian_postgres import free_port
from tests.installation import Installation, installation
from tests.postgres import PostgresServer
from tests.small_club import small_club

pytestmark = pytest.mark.timeout(600)

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
JOBS = {"nightly", "retrain", "score", "decide_again", "publish", "backtest"}
GROUPS = {"sources", "features", "training", "scoring", "decisions", "publishing", "monitoring"}
LOCATION = """
{ repositoriesOrError { __typename ... on RepositoryConnection { nodes {
    location { name }
    jobs { name description }
    schedules { name cronSchedule executionTimezone pipelineName scheduleState { status } }
    assetNodes {
      assetKey { path } groupName description isMaterializable
      owners { ... on TeamAssetOwner { team } }
      partitionDefinition { description }
      metadataEntries { label ... on TableSchemaMetadataEntry { schema { columns { name type description } } } } } } } } }
"""


@dataclass(frozen=True)
class Ui:
    """A running `hemsil ui`, and where its services answer."""

    at: Installation
    process: subprocess.Popen[str]
    said: str
    dagster: str
    mlflow: str
    reports: str


@pytest.fixture(scope="module")
def ui(postgres_server: PostgresServer) -> Iterator[Ui]:
    ports = {f"HEMSIL_{name}_PORT": str(free_port()) for name in ("UI", "MLFLOW", "REPORTS")}
    url = postgres_server.new_database()
    with installation({**ports, "HEMSIL_DATABASE_URL": url}) as at:
        at.hand_in(small_club(members=20))
        process = at.start("ui")
        try:
            yield Ui(at, process, heard(process, "Ctrl-C"), *(f"http://127.0.0.1:{port}" for port in ports.values()))
        finally:
            process.terminate()
            process.communicate(timeout=60)
    postgres_server.drop_database(url)


def heard(process: subprocess.Popen[str], until: str) -> str:
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if until in line:
            return said
    raise AssertionError(f"it ended: {said}")


def ask(url: str, query: str) -> Any:
    """The data of a GraphQL answer."""
    body = json.dumps({"query": query}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        told = json.load(answer)
    assert "errors" not in told, told["errors"]
    return told["data"]


def repository(url: str) -> dict[str, Any]:
    """The one code location as Dagster serves it."""
    [node] = ask(url, LOCATION)["repositoriesOrError"]["nodes"]
    return dict(node)


def processes_of(at: Installation) -> list[int]:
    """Processes that were started with the installation's data folder."""
    mark = f"HEMSIL_HOME={at.home}\0".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (place / "environ").read_bytes() and int(place.name) != os.getpid():
                found.append(int(place.name))
        except OSError:
            continue
    return found


def addresses_listened_on(pids: list[int]) -> set[tuple[str, int]]:
    """(address as the kernel writes it, port) of every TCP socket on which these processes listen."""
    inodes = set()
    for pid in pids:
        for link in Path(f"/proc/{pid}/fd").glob("*"):
            try:
                inodes.add(os.readlink(link).removeprefix("socket:[").removesuffix("]"))
            except OSError:
                continue
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    listening = [words[1].split(":") for words in lines if words[3] == "0A" and words[9] in inodes]
    return {(address, int(port, 16)) for address, port in listening}


def test_it_says_where_everything_is(ui: Ui) -> None:
    for url in (ui.dagster, ui.mlflow, ui.reports):
        assert url in ui.said


def test_dagster_serves_the_jobs_and_the_schedule(ui: Ui) -> None:
    served = repository(ui.dagster)
    assert served["location"]["name"] == "hemsil"
    described = {job["name"]: job["description"] for job in served["jobs"]}
    assert set(described) >= JOBS
    assert all(described[name] for name in JOBS)
    schedule, upkeep = sorted(served["schedules"], key=lambda one: one["cronSchedule"])
    assert (upkeep["pipelineName"], upkeep["cronSchedule"]) == ("retention", "0 6 * * *")
    assert (schedule["cronSchedule"], schedule["executionTimezone"]) == ("0 4 * * *", "Europe/Oslo")
    assert (schedule["pipelineName"], schedule["scheduleState"]["status"]) == ("nightly", "RUNNING")


def test_every_asset_has_a_group_an_owner_a_description_and_daily_partitions(ui: Ui) -> None:
    assets = {"/".join(node["assetKey"]["path"]): node for node in repository(ui.dagster)["assetNodes"]}
    assert set(assets) >= set(ASSET_TABLES) | {"challenger", "champion", "published_batch"}
    assert {node["groupName"] for node in assets.values()} >= GROUPS
    for name, node in assets.items():
        assert node["description"], name
        assert [owner["team"] for owner in node["owners"]] == ["relevance"], name
        assert "Daily" in node["partitionDefinition"]["description"], name


def test_every_table_shows_its_columns_with_their_meaning_and_unit(ui: Ui) -> None:
    for node in repository(ui.dagster)["assetNodes"]:
        name = node["assetKey"]["path"][-1]
        if name in ASSET_TABLES:
            [columns] = [entry["schema"]["columns"] for entry in node["metadataEntries"] if entry.get("schema")]
            assert [column["name"] for column in columns] == list(ASSET_TABLES[name].names)
            for shown, defined in zip(columns, ASSET_TABLES[name].columns, strict=True):
                assert shown["description"].startswith(defined.meaning)
                assert not defined.unit or f"[{defined.unit}]" in shown["description"]


def test_dagsters_daemon_is_alive(ui: Ui) -> None:
    healthy = "{ instance { daemonHealth { allDaemonStatuses { daemonType healthy required } } } }"
    until = time.monotonic() + 60
    while time.monotonic() < until:
        statuses = ask(ui.dagster, healthy)["instance"]["daemonHealth"]["allDaemonStatuses"]
        if all(status["healthy"] for status in statuses if status["required"]):
            return
        time.sleep(1)
    raise AssertionError(statuses)


def test_mlflow_and_the_reports_answer(ui: Ui) -> None:
    for url, sign in ((ui.mlflow, b"MLflow"), (ui.reports, b"<html")):
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert answer.status == 200
            assert sign in answer.read()


def seen_in_browser(url: str, picture: Path) -> str:
    """The page's text and tags once its scripts have run, with no way to any other machine; a picture of it is kept."""
    told = subprocess.run(
        [
            str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1600,1200",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            f"--user-data-dir={picture.parent}", "--virtual-time-budget=30000",
            f"--screenshot={picture}", "--dump-dom", url,
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return told.stdout


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here (Debian: apt-get install chromium)")
def test_the_graph_and_an_asset_are_drawn_without_a_network(ui: Ui, tmp_path: Path) -> None:
    graph = seen_in_browser(f"{ui.dagster}/asset-groups", tmp_path / "graph.png")
    for group in GROUPS:
        assert f">{group}<" in graph
    asset = seen_in_browser(f"{ui.dagster}/assets/scores?view=overview", tmp_path / "asset.png")
    assert "Relevance of every active offer" in asset
    assert "mailing_relevance" in asset
    assert "[share 0..1]" in asset
    for name in ("graph.png", "asset.png"):
        assert (tmp_path / name).stat().st_size > 20_000  # a blank page is smaller


def test_nothing_listens_beyond_this_machine(ui: Ui) -> None:
    listening = addresses_listened_on(processes_of(ui.at))
    ports = {int(url.rpartition(":")[2]) for url in (ui.dagster, ui.mlflow, ui.reports)}
    assert {port for _, port in listening} >= ports
    assert {address for address, _ in listening} <= {"0100007F", "00000000000000000000000001000000"}


def test_a_second_start_names_the_variable_of_the_port_that_is_taken(ui: Ui) -> None:
    answer = ui.at.run("ui")
    port = ui.dagster.rpartition(":")[2]
    assert answer.code == 2
    assert f"port {port} for Dagster is in use; set HEMSIL_UI_PORT to another" in answer.text


def test_sigterm_stops_it_and_every_child(ui: Ui) -> None:
    """The last test that needs it running."""
    assert len(processes_of(ui.at)) > 4
    ui.process.send_signal(signal.SIGTERM)
    assert ui.process.wait(timeout=60) == 0
    until = time.monotonic() + 5
    while (left := processes_of(ui.at)) and time.monotonic() < until:
        time.sleep(0.2)
    assert left == [], [Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in left]


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A copy of the tree as it is, with nothing in it that git does not know."""
    with installation() as at:
        place = at.folder / "checkout"
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"], cwd=CHECKOUT, capture_output=True, text=True, check=False
        )
        if listed.returncode != 0:
            pytest.skip("not a git checkout: there is no list of its files")
        for name in listed.stdout.split():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, place / name)
        yield place
        EmbeddedPostgres(place / ".hemsil" / "postgres").down()


@pytest.mark.slow
def test_plain_dagster_dev_in_the_checkout_finds_database_and_home(checkout: Path) -> None:
    port = str(free_port())
    environment = {"PATH": os.environ["PATH"], "HOME": str(checkout.parent), "PYTHONPATH": str(checkout)}
    run = {"cwd": checkout, "env": environment, "stdin": subprocess.DEVNULL}
    subprocess.run([sys.executable, "-m", "hemsil", "setup"], check=True, timeout=120, **run)  # type: ignore[call-overload]
    assert f"DAGSTER_HOME={checkout}/.hemsil/dagster" in (checkout / ".env").read_text()
    dev = subprocess.Popen(
        [sys.executable, "-m", "dagster", "dev", "-p", port],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **run,  # type: ignore[call-overload]
    )
    try:
        url, until = f"http://127.0.0.1:{port}", time.monotonic() + 120
        while True:
            try:
                served = repository(url)
                break
            except (urllib.error.URLError, ConnectionError, ValueError):
                assert time.monotonic() < until
                assert dev.poll() is None, dev.communicate()[0]
                time.sleep(0.5)
        assert {job["name"] for job in served["jobs"]} >= JOBS
        with closing(psycopg2.connect(EmbeddedPostgres(checkout / ".hemsil" / "postgres").url())) as database:
            cursor = database.cursor()
            cursor.execute("SELECT to_regclass('dagster.runs') IS NOT NULL")
            assert cursor.fetchone() == (True,)
    finally:
        dev.terminate()
        dev.communicate(timeout=60)
