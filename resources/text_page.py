"""A text of ours as a page among the night's reports: the model card, what is in quarantine. What it says is made in ml/."""

import json
from pathlib import Path

from markdown_it import MarkdownIt

from resources.evidently_page import PAGE_POLICY
from resources.page_style import STYLE

CARD = "model-card"


def card_title(version: str) -> str:
    return f"Model card of version {version}"


def write_page(text: str, name: str, title: str, reason: str, folder: Path, verdict: str = "pass") -> Path:
    """Write Markdown into the folder of its date as `name`.html, in place of an earlier one; returns the page.

    reason, verdict   what the list of reports says of it; "note" where there is nothing to pass or fail
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    page = folder / f"{name}.html"
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    page.write_text(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" content="{PAGE_POLICY}">'
        f"<style>{STYLE}</style></head><body>{body}</body></html>",
        encoding="utf-8",
    )
    _tell(folder / f"{name}.json", title, verdict, reason)
    return page


def judge_page(folder: Path, name: str, title: str, verdict: str, reason: str) -> None:
    """Say in the list of reports what became of a page's subject since it was written; nothing where the page is not of that title."""
    summary = folder / f"{name}.json"
    if summary.exists() and json.loads(summary.read_text(encoding="utf-8"))["title"] == title:
        _tell(summary, title, verdict, reason)


def _tell(path: Path, title: str, verdict: str, reason: str) -> None:
    summary = {"title": title, "verdict": verdict, "reason": reason, "columns": []}
    path.write_text(json.dumps(summary, indent=1), encoding="utf-8")
