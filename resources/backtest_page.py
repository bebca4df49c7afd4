"""The backtest's report as a page among the reports: one HTML file that loads nothing, and the summary the list of reports
reads. What it says is made in ml/backtest_report.py.
"""

import base64
import html
import json
import os
from pathlib import Path

import pandas as pd

from ml.backtest_report import sections
from ml.backtest_targets import JUDGED, TARGETS_OF, in_words, judged
from ml.backtest_told import Section, Told
from resources.backtester import Backtest
from resources.evidently_page import PAGE_POLICY
from resources.page_style import STYLE

NAME = "backtest"
PAGE = f"{NAME}.html"


def write_report(done: Backtest, folder: Path, note: str = "") -> Path:
    """Write the report into the folder of its date, in place of an earlier one, and return the page's path."""
    parts = sections(Told(done.metrics, done.source))
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    page = folder / PAGE
    _put(page, page_html(parts, note))
    targets = judged(done.metrics) if done.source == TARGETS_OF else pd.DataFrame(columns=JUDGED)
    well = not targets.empty and not targets.reached.isin(["missed", "not measured"]).any()
    summary: dict[str, object] = {
        "title": "Backtest",
        "verdict": "pass" if well else "warn",
        "reason": f"{len(done.campaigns)} campaigns replayed; {in_words(targets)}",
        "columns": [],
    }
    _put(folder / f"{NAME}.json", json.dumps(summary, indent=1))
    return page


def page_html(parts: list[Section], note: str) -> str:
    """The whole page; its pictures are in it."""
    contents = "".join(f'<li><a href="#s{at}">{html.escape(part.title)}</a></li>' for at, part in enumerate(parts))
    body = "".join(_section(at, part) for at, part in enumerate(parts))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Backtest</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{PAGE_POLICY}"><style>{STYLE}</style></head><body>'
        f"<h1>How good the relevance is</h1><p>Past campaigns, replayed as their first night would have gone.</p>"
        f'<p class="quiet">{html.escape(note)}</p><ol>{contents}</ol>{body}</body></html>'
    )


def _section(at: int, part: Section) -> str:
    tables = "".join(f'<div class="wide">{t.to_html(index=False, border=0, na_rep="")}</div>' for t in part.tables)
    figures = "".join(
        f'<figure><img alt="{html.escape(words)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
        f"<figcaption>{html.escape(words)}</figcaption></figure>"
        for words, png in part.figures
    )
    return f'<h2 id="s{at}">{html.escape(part.title)}</h2><p>{html.escape(part.text)}</p>{tables}{figures}'


def _put(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(beside, path)
