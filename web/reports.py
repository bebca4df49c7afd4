"""The page of drift reports: which nights have one, what was held of each, and the reports themselves. Read-only, for this
machine only. The reports are written by resources/drift_report.py; who starts this page is the command line's business.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from resources.evidently_page import PAGE_POLICY

# Any other name means that a page elsewhere has made its own name point at this machine.
HOSTS = ["localhost", "127.0.0.1", "[::1]"]
NIGHTS_A_PAGE = 60
# A report's scripts run without an origin: they can read neither this page nor anything else on this machine.
REPORT_POLICY = f"{PAGE_POLICY}; frame-ancestors 'none'; sandbox allow-scripts allow-downloads"
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Finding:
    """A column that did not pass."""

    verdict: str
    column: str
    reason: str


@dataclass(frozen=True)
class Report:
    """One report of a night, as its JSON tells it. `verdict` is "unreadable" where that cannot be read."""

    address: str
    title: str
    verdict: str
    reason: str
    passed: int = 0
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class ReportNight:
    """A business date and its reports, by title."""

    day: date
    reports: tuple[Report, ...]


def create_app(folder: Path) -> Starlette:
    """The page over a folder of reports, one subfolder a business date. The folder may be empty, or not be there yet."""
    style = (_TEMPLATES / "reports.css").read_text()
    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )

    def page(template: str, status: int = 200, **values: object) -> Response:
        content = templates.get_template(template).render(style=Markup(style), **values)
        return HTMLResponse(content, status, {"Content-Security-Policy": policy})

    def index(request: Request) -> Response:
        before = _day(request.query_params.get("before", ""))
        days = [day for day in report_days(folder) if before is None or day < before]
        nights = [night_reports(folder, day) for day in days[:NIGHTS_A_PAGE]]
        older = days[NIGHTS_A_PAGE - 1] if len(days) > NIGHTS_A_PAGE else None
        return page("reports.html", nights=nights, older=older, newest_shown=before is None)

    def report(request: Request) -> Response:
        path = report_file(folder, request.path_params["day"], request.path_params["name"])
        if path is None:
            raise HTTPException(404)
        return FileResponse(path, media_type="text/html", headers={"Content-Security-Policy": REPORT_POLICY})

    def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # what it is registered for
        response = page("reports_error.html", error.status_code, words=_WORDS.get(error.status_code, error.detail))
        response.headers.update(error.headers or {})
        return response

    return Starlette(
        routes=[Route("/", index, methods=["GET"]), Route("/{day}/{name}.html", report, methods=["GET"])],
        middleware=[Middleware(_StrictHeaders), Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)],
        exception_handlers={HTTPException: refused},
    )


def report_days(folder: Path) -> list[date]:
    """The business dates that have a finished report, newest first."""
    found = {path.parent.name for path in folder.glob("*/*.json") if not path.name.startswith(".")}
    return sorted((day for name in found if (day := _day(name))), reverse=True)


def night_reports(folder: Path, day: date) -> ReportNight:
    """The reports of one business date."""
    names = sorted(path for path in (folder / day.isoformat()).glob("*.json") if not path.name.startswith("."))
    return ReportNight(day, tuple(_report(path) for path in names))


def report_file(folder: Path, day: str, name: str) -> Path | None:
    """The HTML file of a report; None when there is none, or when the names lead anywhere but to one."""
    if _day(day) is None or name.startswith(".") or not set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-"):
        return None
    path = (folder / day / f"{name}.html").resolve()
    return path if path.is_relative_to(folder.resolve()) and path.is_file() else None


def _report(path: Path) -> Report:
    address = f"/{path.parent.name}/{path.stem}.html"
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Report(
            address,
            content["title"],
            content["verdict"],
            content["reason"],
            passed=sum(column["verdict"] == "pass" for column in content["columns"]),
            findings=tuple(sorted(_findings(content), key=lambda finding: finding.verdict)),  # fail before warn
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Report(
            address, path.stem, "unreadable", f"its summary {path.name} cannot be read ({type(error).__name__})"
        )


def _findings(content: dict[str, Any]) -> Iterator[Finding]:
    for column in content["columns"]:
        if column["verdict"] != "pass":
            yield Finding(column["verdict"], column["column_name"], column["reason"])


def _day(text: str) -> date | None:
    """The date written as 2017-10-30, and in no other way."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None


_WORDS = {404: "There is no such report.", 405: "This page can only be read."}

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


class _StrictHeaders:
    """Headers that every answer carries, refusals too; with no policy of its own an answer may load nothing."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
            await send(message)

        await self.app(scope, receive, send_with_headers)
