"""The model card as a page among the night's reports. What it says is made in ml/model_card.py."""

import json
from pathlib import Path

from markdown_it import MarkdownIt

from resources.evidently_page import PAGE_POLICY
from resources.page_style import STYLE

NAME = "model-card"


def write_card(card: str, version: str, folder: Path) -> Path:
    """Write the card (Markdown) of a version into the folder of its date, in place of an earlier one; returns the page."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    page = folder / f"{NAME}.html"
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(card)
    title = f"Model card of version {version}"
    page.write_text(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><meta http-equiv="Content-Security-Policy" content="{PAGE_POLICY}">'
        f"<style>{STYLE}</style></head><body>{body}</body></html>",
        encoding="utf-8",
    )
    summary = {
        "title": title,
        "verdict": "pass",
        "reason": "what it was trained on, and for whom it is good",
        "columns": [],
    }
    (folder / f"{NAME}.json").write_text(json.dumps(summary, indent=1), encoding="utf-8")
    return page
