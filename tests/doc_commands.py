"""Whether a command that the documentation shows exists, with its options and arguments. Nothing is run."""

import re
import shlex
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import typer

from hemsil.main import app
from resources.settings import CHECKOUT, TOOL_ENVIRONMENT, Settings

BIN = Path(sys.executable).parent
FOREIGN = {"DAGSTER_HOME", *TOOL_ENVIRONMENT}  # variables that are not ours
PROGRAMS = {"psql"}  # of the reader's own machine

_ASSIGNMENT = re.compile(r"([A-Z_]+)=(.*)", re.DOTALL)


def check_line(line: str) -> None:
    """A line of a shell, as it can be copied into one that stands in the checkout. Raises AssertionError."""
    words = shlex.split(line, comments=True)
    for inner in re.findall(r"\$\(([^()]*)\)", line):
        check_line(inner)
    if words[:1] == ["export"]:
        assert all(map(_ASSIGNMENT.fullmatch, words[1:])), f"{line}: not NAME=value"
        del words[0]
    while words and (assignment := _ASSIGNMENT.fullmatch(words[0])):
        check_variable(assignment[1], assignment[2])
        del words[0]
    if not words:
        return
    program = words[0]
    if program == "make":
        check_make(words[1:])
    elif program == ".venv/bin/hemsil":
        check_hemsil(words[1:])
    elif program.startswith(".venv/bin/"):
        assert (BIN / program.removeprefix(".venv/bin/")).exists(), f"{program} is not installed"
    else:
        assert program in PROGRAMS, f"{program} cannot be copied into a shell in the checkout"


def check_variable(name: str, value: str) -> None:
    """A setting of ours with a value that it may have, or a variable of a tool."""
    if name in FOREIGN:
        return
    field = name.removeprefix("HEMSIL_").lower()
    assert name == f"HEMSIL_{field.upper()}", f"{name} is no setting"
    assert field in Settings.model_fields, f"{name} is no setting"
    Settings(**{field: value})  # type: ignore[arg-type]


def check_make(words: Sequence[str]) -> None:
    """Targets of the Makefile, and variables of it."""
    text = (CHECKOUT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    variables = set(re.findall(r"^([A-Z]+) *[?:]=", text, re.MULTILINE))
    for word in words:
        name, _, value = word.partition("=")
        assert name in (variables if value else targets), f"make has no {word}"


def check_hemsil(words: Sequence[str]) -> None:
    """A command of the command line with its options and arguments, each of the right type. Raises Typer's own error, too."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while hasattr(command, "commands") and rest != ["--help"]:
        assert rest, f"hemsil {' '.join(words)} is not complete"
        assert rest[0] in command.commands, f"hemsil has no command {' '.join(words)}"
        command = command.commands[rest.pop(0)]
    if rest != ["--help"]:
        given = command.make_context("hemsil", rest).params
        if given.get("as_of"):
            date.fromisoformat(given["as_of"])
