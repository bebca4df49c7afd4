"""The documentation as the tests read it: its pages, and in them the fences, the code within sentences, links and tables."""

import re
from dataclasses import dataclass
from pathlib import Path

from resources.settings import CHECKOUT

PAGES = [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]

_FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Fence:
    """A block of code in a page. `place` is its page and line."""

    place: str
    language: str
    text: str

    @property
    def lines(self) -> list[str]:
        """Its lines, those that end in a backslash joined with the next, without empty ones."""
        return [line for line in self.text.replace("\\\n", " ").splitlines() if line.strip()]


def name_of(page: Path) -> str:
    return str(page.relative_to(CHECKOUT))


def fences_of(page: Path) -> list[Fence]:
    """The fences of a page, as they are written, without the indentation of a list."""
    text = page.read_text()
    found = []
    for match in _FENCE.finditer(text):
        indent, language, body = match.groups()
        line = text[: match.start()].count("\n") + 1
        body = "".join(row.removeprefix(indent) for row in body.splitlines(keepends=True))
        found.append(Fence(f"{name_of(page)}:{line}", language.strip(), body))
    return found


def prose_of(page: Path) -> str:
    """The page without its fences."""
    return _FENCE.sub("", page.read_text())


def code_in_sentences(page: Path) -> list[str]:
    """What stands between backticks outside of fences."""
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose_of(page))]


def links_of(page: Path) -> list[str]:
    """The targets of a page's links."""
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", prose_of(page)))


def anchors_of(page: Path) -> set[str]:
    """The headings of a page as a link names them: lower case, spaces as hyphens, without punctuation."""
    headings = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def sections_of(page: Path) -> dict[str, str]:
    """Heading -> what stands below it, to the next heading of any level."""
    parts = re.split(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows_of_tables(text: str) -> list[list[str]]:
    """The rows of every table in a text, without the heads, as cells."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    heads = {index for index, line in enumerate(lines) if set(line) <= set("|- ")}
    rows = [line for index, line in enumerate(lines) if index not in heads and index + 1 not in heads]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in rows]


def explained(text: str) -> set[str]:
    """What the tables of a text explain: each name that begins a row whose last cell is a sentence."""
    rows = [row for row in rows_of_tables(text) if row[-1]]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row[0])}
