"""Writes the pages of docs/ that are made from the code: tables, features, settings, commands, assets and jobs. With --check it
writes nothing and fails when a page is not what the code says. Hand-written pages are beside them.

    python -m docs.generate [--check]
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from ml.feature_dictionary import FEATURE_TABLES, FEATURES
from ml.lake_tables import LAKE_TABLES
from ml.published_tables import PUBLISHED_TABLES
from ml.reasons import MEANING
from ml.source_tables import SOURCE_TABLES
from ml.tables import Table

FOLDER = Path(__file__).parent


def tables_page() -> str:
    """docs/tables.md: every table in and out."""
    parts = [
        "# Tables",
        "Made from the definitions in `ml/`. Times are UTC (`…_at`), dates are the club's local dates (`…_on`), money is "
        "in the club's currency with VAT, shares are 0..1.",
        "## In: the club's tables",
        "A column that is not listed is ignored and counted; a listed one that is missing is an error that names it, "
        "unless it is marked *may be absent*. A row that breaks a rule goes to `quarantine`.",
        *map(_table, SOURCE_TABLES),
        "## Out: the views of schema `marts`",
        "`offer_history` and `suppression_history` have the columns of `offer_table` and `suppression_list` for every "
        "published business date.",
        *map(_table, PUBLISHED_TABLES),
        "## In the lake",
        "Parquet, one folder a table and business date: `<data folder>/lake/<table>/business_date=<date>/`.",
        *map(_table, LAKE_TABLES),
        *map(_table, FEATURE_TABLES),
        "## Reason codes, most restrictive first",
        _grid(("code", "means"), ((f"`{code}`", meaning) for code, meaning in MEANING.items())),
    ]
    return "\n\n".join(parts) + "\n"


def features_page() -> str:
    """docs/features.md: every input of the models."""
    rows = ((f"`{f.name}`", f.family, f.grain, f.unit, f.meaning) for f in FEATURES)
    return "\n\n".join(
        (
            "# Features",
            f"The {len(FEATURES)} features, from `ml/feature_dictionary.py`. All are computed from what happened strictly before "
            "the instant they are asked for.",
            _grid(("feature", "family", "grain", "unit", "meaning"), rows),
        )
    ) + "\n"


def settings_page() -> str:
    """docs/settings.md: every HEMSIL_* variable."""
    from resources.settings import CHECKOUT, Settings

    def default(name: str) -> str:
        value = Settings.model_fields[name].default
        if name == "threads":
            return "all cores"
        if isinstance(value, Path):
            return f"`{value.relative_to(CHECKOUT)}` in the checkout"
        return f"`{value}`" if value is not None else "empty"

    rows = ((f"`HEMSIL_{n.upper()}`", default(n), f.description or "") for n, f in Settings.model_fields.items())
    return "\n\n".join(
        (
            "# Settings",
            "Read from the environment, or from `.env` in the checkout. What a marketer may change is in "
            "`policy.toml` and not here.",
            _grid(("variable", "default", "meaning"), rows),
        )
    ) + "\n"


def commands_page() -> str:
    """docs/commands.md: the command line, the jobs and the assets."""
    import typer

    from hemsil.main import app
    from orchestration.definitions import defs

    root = typer.main.get_command(app)
    commands = []
    for name, command in sorted(root.commands.items()):  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            commands += [(f"`hemsil {name} {n}`", _first_line(c.help)) for n, c in sorted(command.commands.items())]
        else:
            commands.append((f"`hemsil {name}`", _first_line(command.help)))
    jobs = ((f"`{j.name}`", j.description or "") for j in sorted(defs.resolve_all_job_defs(), key=lambda j: j.name) if not j.name.startswith("__"))
    specs = sorted(defs.resolve_all_asset_specs(), key=lambda s: (s.group_name or "", s.key.to_user_string()))
    assets = ((f"`{s.key.to_user_string()}`", s.group_name or "", _first_line(s.description)) for s in specs)
    return "\n\n".join(
        (
            "# Commands, jobs and assets",
            "Each command explains itself with `--help`. Exit codes: 0 done, 1 failed, 2 wrong input, 3 refused by a safety rule.",
            _grid(("command", "does"), commands),
            "## Jobs in Dagster",
            _grid(("job", "does"), jobs),
            "## Assets in Dagster",
            _grid(("asset", "group", "is"), assets),
        )
    ) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "tables.md": tables_page,
    "features.md": features_page,
    "settings.md": settings_page,
    "commands.md": commands_page,
}


def _table(table: Table) -> str:
    notes = f"Key: {', '.join(f'`{k}`' for k in table.key)}." + (" Optional." if table.optional else "")
    rows = (
        (
            f"`{c.name}`" + ("?" if c.nullable else ""),
            c.type.words,
            c.unit,
            c.meaning
            + (f" One of {', '.join(c.allowed)}." if c.allowed and len(c.allowed) < 12 else "")
            + (f" In `{c.references}`." if c.references else "")
            + (" *May be absent.*" if c.added else "")
            + (" *Personal.*" if c.personal else ""),
        )
        for c in table.columns
    )
    return f"### {table.name}\n\n{table.meaning} {notes}\n\n" + _grid(("column", "type", "unit", "meaning"), rows)


def _grid(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n\n")[0].replace("\n", " ")


def main(arguments: list[str]) -> int:
    """Write the pages, or with --check compare them. Returns the exit code."""
    stale = []
    for name, page in PAGES.items():
        path, text = FOLDER / name, page()
        if not path.exists() or path.read_text() != text:
            stale.append(name)
            if "--check" not in arguments:
                path.write_text(text)
    if stale and "--check" in arguments:
        print(f"out of date: {', '.join(stale)}; run `make docs`")
        return 1
    print(f"{len(PAGES)} pages are up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
