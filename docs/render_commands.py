"""Writes docs/commands.md: the command line, and what Dagster shows: jobs, schedule, assets and their checks.

python -m docs.render_commands
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
import typer

from docs.grid import grid
from hemsil.main import app
from orchestration.definitions import build_definitions
from resources.platform import Platform
from resources.settings import Settings

PAGE = Path(__file__).parent / "commands.md"
EXAMPLE = "Example: "

BEGINNING = """# Commands, jobs and assets

Made by `make docs` from the code. `hemsil` is `.venv/bin/hemsil`; each command explains itself with `--help`. Exit codes: 0 done, 1 failed,
2 what was given is wrong, 3 a safety rule refused.
"""


def commands_page() -> str:
    """The page's text."""
    with TemporaryDirectory() as home:  # with settings of its own: a developer's do not belong on the page
        definitions = build_definitions(Platform(Settings.model_construct(home=Path(home))))
        parts = [BEGINNING, *(_command(name, command) for name, command in commands()), *_dagster(definitions)]
    return "\n".join(parts)


def commands() -> Iterator[tuple[str, Any]]:
    """Every command of the command line with its full name, as in "hemsil db up"."""

    def under(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        if hasattr(command, "commands"):
            for word, inner in command.commands.items():
                yield from under(f"{name} {word}", inner)
        else:
            yield name, command

    return under("hemsil", typer.main.get_command(app))


def _command(name: str, command: Any) -> str:
    help_text = [" ".join(paragraph.split()) for paragraph in (command.help or "").split("\n\n")]
    examples = [text.removeprefix(EXAMPLE) for text in help_text if text.startswith(EXAMPLE)]
    parts = [f"## {name}", "", *(text + "\n" for text in help_text if not text.startswith(EXAMPLE))]
    options = [
        (" ".join(f"`{word}`" for word in _words(parameter)), parameter.help or "")
        for parameter in command.params
        if parameter.name != "help"
    ]
    if options:
        parts += [grid(("option", "meaning"), options), ""]
    if examples:
        parts += ["```sh", *(f".venv/bin/{example}" for example in examples), "```", ""]
    return "\n".join(parts)


def _words(parameter: Any) -> tuple[str, ...]:
    """How an option or argument is written."""
    if parameter.param_type_name == "argument":
        return (parameter.name.upper() if parameter.required else f"[{parameter.name.upper()}]",)
    names = (*parameter.opts, *parameter.secondary_opts)
    if parameter.is_flag:
        return names
    return tuple(f"{name} {parameter.metavar or parameter.name.upper()}" for name in names)


def _dagster(definitions: dg.Definitions) -> Iterable[str]:
    jobs = sorted(definitions.resolve_all_job_defs(), key=lambda job: job.name)
    schedules = definitions.schedules or ()
    specs = sorted(definitions.resolve_all_asset_specs(), key=lambda s: (s.group_name or "", s.key.to_user_string()))
    yield "## Jobs in Dagster\n"
    yield "Each is for one business date; a range of dates is a backfill of it.\n"
    yield (
        grid(("job", "does"), ((f"`{j.name}`", j.description or "") for j in jobs if not j.name.startswith("__")))
        + "\n"
    )
    yield "## Schedule\n"
    rows = ((f"`{s.name}`", f"`{s.cron_schedule}` {s.execution_timezone}", s.description or "") for s in schedules)
    yield grid(("schedule", "when", "does"), rows) + "\n"
    yield "## Sensor\n"
    rows = ((f"`{s.name}`", f"`{s.job_name}`", s.description or "") for s in definitions.sensors or ())
    yield grid(("sensor", "starts", "does"), rows) + "\n"
    yield "## Assets in Dagster\n"
    rows = ((f"`{s.key.to_user_string()}`", s.group_name or "", _first_line(s.description)) for s in specs)
    yield grid(("asset", "group", "is"), rows) + "\n"
    yield "## Asset checks\n"
    yield grid(("checks", "of", "pass when"), _checks(definitions)) + "\n"


def _checks(definitions: dg.Definitions) -> Iterator[tuple[str, str, str]]:
    """The checks; those of one asset that differ by nothing but their name, such as one for each column, share a row."""
    graph = definitions.resolve_asset_graph()
    alike: dict[tuple[str, str], list[str]] = {}
    for key in graph.asset_check_keys:
        description = _first_line(graph.get_check_spec(key).description)
        kind = description.replace(f"{key.name} ", "The column ")
        alike.setdefault((key.asset_key.to_user_string(), kind), []).append(f"`{key.name}`")
    for (asset, kind), names in sorted(alike.items(), key=lambda item: (item[0][0], len(item[1]), item[0][1])):
        yield ", ".join(sorted(names)), f"`{asset}`", kind


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n\n")[0]


if __name__ == "__main__":
    PAGE.write_text(commands_page())
