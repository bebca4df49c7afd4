"""A text of ours as a page among the night's reports: the model card, what is in quarantine. What it says is made in ml/."""

import json
from pathlib import Path

from markdown_it import MarkdownIt

from resources.evidently_page import PAGE_POLICY
from resources.page_style import STYLE


def write_page(text: str, name: str, title: str, reason: str, folder: Path, verdict: str = "pass") -> Path:
    """Write Markdown into the folder of its date as `name`.html, in place of an earlier one; returns the page.

    reason, verdict   what the list of reports says of it
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
    summary = {"title": title, "verdict": verdict, "reason": reason, "columns": []}
    (folder / f"{name}.json").write_text(json.dumps(summary, indent=1), encoding="utf-8")
    return page
