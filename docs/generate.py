"""Writes the pages of docs/ that are made from the code. With --check it writes nothing, and fails when a page is not what
the code says. Tables, features, settings and the list of decisions are made here; longer pages by their own render_*.py.

    python -m docs.generate [--check]

No data folder is made and no database opened.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from assets.tables import ASSET_TABLES
from docs.grid import grid
from docs.render_commands import commands_page
from docs.render_performance import performance_page
from docs.render_policy import policy_page
from docs.render_relevance import relevance_page, relevance_pictures
from docs.render_reliability import reliability_page
from docs.render_rules import rules_page
from docs.render_score import score_page
from docs.render_simulator import pictures, simulator_page
from docs.render_staleness import staleness_page
from ml.club_wide import WIDE_TABLES
from ml.feature import FAMILIES, Feature
from ml.feature_dictionary import FEATURES
from ml.published_tables import OFFER_TABLE, PUBLISHED_TABLES, REASK_LIST, SUPPRESSION_LIST
from ml.reasons import MEANING
from ml.source_tables import SOURCE_TABLES
from ml.tables import Column, Table
from ml.validation import VALIDATION
from resources.settings import CHECKOUT, Settings

FOLDER = Path(__file__).parent
MADE = "Made by `make docs` from the code."
_OF_FEATURES = frozenset(feature.column for feature in FEATURES)


def tables_page() -> str:
    """docs/tables.md: every table in, between and out."""
    return _page(
        "# Tables",
        f"{MADE} Times (`…_at`) are UTC, dates (`…_on`) are the club's local dates, money is in the club's currency with VAT, "
        "shares are 0..1, ids are text. A `?` marks what may be missing.",
        "## In: the club's tables",
        "A column that is not listed is ignored and counted. A listed one that is missing is an error that names it, "
        "unless it is marked *may be absent*. A row that breaks a rule goes to [`quarantine`](#quarantine). "
        "A table marked optional may be left out, which says that the club records none.",
        *map(_table, SOURCE_TABLES),
        "## Out: the views of schema `marts`",
        *map(_table, PUBLISHED_TABLES),
        "## Between: the lake",
        "Parquet, one folder a table and business date: `<data folder>/lake/<table>/business_date=<date>/`. The source "
        "tables are there too, as the date knew them.",
        *(_table(table) for table in (*ASSET_TABLES.values(), VALIDATION, *WIDE_TABLES) if table not in SOURCE_TABLES),
        "## Reason codes, most restrictive first",
        "With examples: [why a member does not get an offer](suppression-rules.md).",
        grid(("code", "means"), ((f"`{code}`", meaning) for code, meaning in MEANING.items())),
    )


def features_page() -> str:
    """docs/features.md: every input of the models."""
    rows = (
        (f"`{f.name}`", f.grain, f.unit, " and ".join(_stages(f)), _DIRECTION[f.monotone], f.meaning) for f in FEATURES
    )
    return _page(
        "# Features",
        f"{MADE} The {len(FEATURES)} features are defined in `ml/features_of_members.py` and `ml/features_of_offers.py`. Each is computed from what "
        "happened strictly before the business date began, for the night and for training by the same functions, and is "
        "missing where nothing is known. The mailing stage answers *will this member respond to the campaign at all*, "
        "the offer stage *to which of its offers*; where each mailing names its one offer, there is a single stage, which reads the features of both and those "
        "of a *named offer*. Where a direction stands, relevance can only go that way with the feature.",
        grid(("feature", "fact of", "unit", "stage", "relevance", "meaning"), rows),
        "## Families",
        grid(
            ("family", "says", "features"),
            (
                (family, says, ", ".join(f"`{f.name}`" for f in FEATURES if f.family == family))
                for family, says in FAMILIES.items()
            ),
        ),
    )


_DIRECTION = {1: "rises", 0: "", -1: "falls"}


def _stages(feature: Feature) -> list[str]:
    used = (("mailing", feature.mailing), ("offer", feature.offer), ("named offer", feature.named))
    return [name for name, so in used if so]


def settings_page() -> str:
    """docs/settings.md: every HEMSIL_* variable."""

    def default(name: str) -> str:
        value = Settings.model_fields[name].default
        if name == "threads":
            return "all cores"
        if isinstance(value, Path):
            return f"`{value.relative_to(CHECKOUT)}` in the checkout"
        return f"`{value}`" if value is not None else "empty"

    rows = ((f"`HEMSIL_{n.upper()}`", default(n), f.description or "") for n, f in Settings.model_fields.items())
    return _page(
        "# Settings",
        f"{MADE} Read from the environment, or else from `.env` in the checkout. What a marketer may change is not here but in "
        "`policy.toml`: see [the policy](policy.md).",
        grid(("variable", "default", "meaning"), rows),
    )


def decisions_page() -> str:
    """docs/adr/README.md: the list of decisions, by their headings."""
    pages = sorted((FOLDER / "adr").glob("[0-9]*.md"))
    titles = (path.read_text().split("\n", 1)[0].removeprefix("# ") for path in pages)
    return _page(
        "# Decisions",
        'One page for each choice that someone will ask "why?" about. A choice that is replaced keeps its page and says by what.',
        "\n".join(f"- [{title}]({path.name})" for title, path in zip(titles, pages, strict=True)),
    )


PAGES: dict[str, Callable[[], str]] = {
    "tables.md": tables_page,
    "features.md": features_page,
    "settings.md": settings_page,
    "policy.md": policy_page,
    "suppression-rules.md": rules_page,
    "commands.md": commands_page,
    "performance.md": performance_page,
    "relevance.md": relevance_page,
    "reliability.md": reliability_page,
    "simulator.md": simulator_page,
    "staleness.md": staleness_page,
    "ml-test-score.md": score_page,
    "adr/README.md": decisions_page,
}


def _table(table: Table) -> str:
    notes = f"{table.meaning} Key: {', '.join(f'`{k}`' for k in table.key)}." + (" Optional." if table.optional else "")
    return _page(f"### {table.name}", notes, *_columns(table)).strip()


def _columns(table: Table) -> Iterable[str]:
    """The columns, each told once: a table that repeats those of a view, or features, points to where they are."""
    for view in (OFFER_TABLE, SUPPRESSION_LIST, REASK_LIST):
        if view is not table and set(table.columns) <= set(view.columns):
            less = [f"`{name}`" for name in view.names if name not in table.names]
            yield f"The columns of [`{view.name}`](#{view.name})" + (f", less {' and '.join(less)}." if less else ".")
            return
    own = [c for c in table.columns if c not in _OF_FEATURES]
    yield grid(("column", "type", "unit", "meaning"), map(_row, own))
    features = [f"`{c.name}`" for c in table.columns if c in _OF_FEATURES]
    if features:
        yield f"And {len(features)} [features](features.md): {', '.join(features)}."


def _row(column: Column) -> tuple[str, str, str, str]:
    notes = [
        column.meaning,
        f"One of {', '.join(column.allowed)}." if column.allowed and len(column.allowed) < 12 else "",
        f"In [`{column.references}`](#{column.references})." if column.references else "",
        "*May be absent.*" if column.added else "",
        "*Personal.*" if column.personal else "",
    ]
    return (
        f"`{column.name}`" + ("?" if column.nullable else ""),
        column.type.words,
        column.unit,
        " ".join(filter(None, notes)),
    )


def _page(*parts: str) -> str:
    return "\n\n".join(parts) + "\n"


def _stale_pictures(only_look: bool) -> list[str]:
    """Pictures that are not there, or with other pixels than their figures give. Another version of a font or library may draw other
    bytes of the same figures, so a check only asks that they are there."""
    if only_look:
        names = [*(f"measured/{name}" for name in ("half-year.png", "trade-off.png")), *relevance_pictures()]
        return [name for name in names if not (FOLDER / name).exists()]
    written = []
    for name, png in ({f"measured/{name}": png for name, png in pictures().items()} | relevance_pictures()).items():
        path = FOLDER / name
        if not path.exists() or path.read_bytes() != png:
            path.write_bytes(png)
            written.append(name)
    return written


def main(arguments: list[str]) -> int:
    """Write the pages, or with --check compare them. Returns the exit code."""
    stale = []
    for name, page in PAGES.items():
        path, text = FOLDER / name, page()
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(text)
    stale += _stale_pictures("--check" in arguments)
    if stale and "--check" in arguments:
        print(f"out of date: {', '.join(stale)}; run `make docs`")
        return 1
    print(f"wrote {', '.join(stale)}" if stale else f"{len(PAGES)} pages are up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
