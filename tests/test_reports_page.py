"""The page of drift reports, asked over HTTP as a browser would: what it shows, and what it refuses."""

import http.client
import json
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from web.reports import HOSTS, NIGHTS_A_PAGE, create_app

TITLE = "Features against the training snapshot"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str


@dataclass(frozen=True)
class Page:
    """The page, running. The paths are sent as they are: a client library would tidy `..` away."""

    port: int

    def ask(self, path: str, method: str = "GET", host: str | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, path, skip_host=True)
            connection.putheader("Host", f"127.0.0.1:{self.port}" if host is None else host)
            connection.endheaders()
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())
        finally:
            connection.close()

    def get(self, path: str, host: str | None = None) -> Answer:
        return self.ask(path, host=host)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "reports"


@pytest.fixture
def page(folder: Path) -> Iterator[Page]:
    server = uvicorn.Server(uvicorn.Config(create_app(folder), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield Page(server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    thread.join(timeout=10)


def keep(folder: Path, night: str, name: str = "features", verdict: str = "pass", **columns: str) -> None:
    """A report as a night leaves it: `columns` are column="fail: the reason"."""
    place = folder / night
    place.mkdir(parents=True, exist_ok=True)
    place.joinpath(f"{name}.html").write_text(f"<!doctype html><title>{night} {name}</title>")
    rows = [{"column_name": "spend", "verdict": "pass", "reason": "distance 0"}]
    for column, said in columns.items():
        rows.append({"column_name": column, "verdict": said.split(":")[0], "reason": said.split(": ")[1]})
    content = {"title": TITLE, "verdict": verdict, "reason": "as told", "share_drifted": 0.0, "columns": rows}
    place.joinpath(f"{name}.json").write_text(json.dumps(content))


def test_the_newest_night_comes_first_and_links_its_report(folder: Path, page: Page) -> None:
    for night in ("2017-10-29", "2017-10-31", "2017-10-30"):
        keep(folder, night)
    found = re.findall(r'href="(/2017[^"]+)"', page.get("/").text)
    assert found == [f"/2017-10-{day}/features.html" for day in (31, 30, 29)]
    assert page.get(found[0]).text == "<!doctype html><title>2017-10-31 features</title>"


def test_what_did_not_pass_is_told_in_words(folder: Path, page: Page) -> None:
    keep(folder, "2017-10-30", verdict="fail", stores="warn: 6.0% are new", spend_91="fail: 4 of 60 rows are infinite")
    text = re.sub(r"<[^>]+>", " ", page.get("/").text)
    text = " ".join(text.split())
    assert "2 columns to look at, 1 passed" in text
    assert text.index("4 of 60 rows are infinite") < text.index("6.0% are new")


def test_no_night_yet_is_a_page_and_no_error(page: Page) -> None:
    answer = page.get("/")
    assert answer.status == 200
    assert "There is no report yet" in answer.text


def test_a_damaged_summary_is_told_and_hides_no_other_night(folder: Path, page: Page) -> None:
    keep(folder, "2017-10-29")
    keep(folder, "2017-10-30")
    (folder / "2017-10-30" / "features.json").write_text("{")
    text = page.get("/").text
    assert "features.json cannot be read" in text
    assert "/2017-10-29/features.html" in text


def test_a_report_still_being_written_is_not_listed(folder: Path, page: Page) -> None:
    keep(folder, "2017-10-30")
    (folder / "2017-10-30" / "features.json").rename(folder / "2017-10-30" / ".features.json.4711")
    assert "/2017-10-30/" not in page.get("/").text


def test_many_nights_are_paged(folder: Path, page: Page) -> None:
    nights = [f"2017-{month:02}-{day:02}" for month in (1, 2, 3) for day in range(1, 29)]
    for night in nights:
        keep(folder, night)
    first = page.get("/").text
    older = re.findall(r'href="(/\?before=[^"]+)"', first)
    assert len(older) == 1
    second = page.get(older[0]).text
    listed = [re.findall(r'href="/(2017-[^/"]+)/', text) for text in (first, second)]
    assert len(listed[0]) == NIGHTS_A_PAGE
    assert sorted(listed[0] + listed[1]) == nights


def test_words_of_the_club_are_text_and_never_markup(folder: Path, page: Page) -> None:
    keep(folder, "2017-10-30", verdict="warn", **{"<script>alert(1)</script>": "warn: <img src=x>"})
    text = page.get("/").text
    assert "<script" not in text
    assert "<img" not in text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/2017-10-30/features.html"])
def test_it_can_only_be_read(folder: Path, page: Page, method: str, path: str) -> None:
    keep(folder, "2017-10-30")
    answer = page.ask(path, method)
    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert page.ask(path, "HEAD").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.html",
        "/2017-10-30/../../secret.html",
        "/2017-10-30/..%2f..%2fsecret.html",
        "/2017-10-30/%2e%2e/%2e%2e/secret.html",
        "/..%2fother/secret.html",
        "/2017-10-30/.features.html",
        "/2017-10-30/features.json",
        "/2017-10-30/link.html",
        "/2017-10-30/..%5csecret.html",
        "/2017-10-30/features%00.html",
        "/20171030/features.html",
        "/2017-02-30/features.html",
        "//etc/passwd",
    ],
)
def test_no_address_leads_out_of_the_folder(folder: Path, page: Page, path: str) -> None:
    keep(folder, "2017-10-30")
    secret = folder.parent / "secret.html"
    secret.write_text("secret")
    (folder / "2017-10-30" / ".features.html").write_text("secret")
    (folder / "2017-10-30" / "link.html").symlink_to(secret)
    (folder / "20171030").mkdir()
    (folder / "20171030" / "features.html").write_text("secret")
    answer = page.get(path)
    assert answer.status == 404
    assert "secret" not in answer.text


@pytest.mark.parametrize("host", [*HOSTS, "localhost:3001", "127.0.0.1:9", "[::1]:3001"])
def test_this_machine_is_answered(folder: Path, page: Page, host: str) -> None:
    assert page.get("/", host=host).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "10.0.0.7", "127.0.0.1.evil.example:3001", ""]
)
def test_any_other_name_is_refused(folder: Path, page: Page, host: str) -> None:
    keep(folder, "2017-10-30")
    answer = page.get("/", host=host)
    assert answer.status == 400
    assert "2017" not in answer.text


@pytest.mark.parametrize("path", ["/", "/2017-10-30/features.html", "/nothing"])
def test_every_answer_is_strict_about_what_may_be_loaded(folder: Path, page: Page, path: str) -> None:
    keep(folder, "2017-10-30")
    headers = page.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; ")
    assert "http" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_only_a_report_may_run_scripts_and_it_has_no_origin(folder: Path, page: Page) -> None:
    keep(folder, "2017-10-30")
    assert "script-src" not in page.get("/").headers["content-security-policy"]
    report = page.get("/2017-10-30/features.html").headers["content-security-policy"]
    assert "script-src 'unsafe-inline'" in report
    assert report.endswith("sandbox allow-scripts allow-downloads")


def test_the_page_needs_nothing_from_anywhere(folder: Path, page: Page) -> None:
    keep(folder, "2017-10-30", verdict="fail", spend="fail: moved")
    assert re.findall(r"<(?:script|link|img|iframe)|https?://|@import|url\(", page.get("/").text) == []
