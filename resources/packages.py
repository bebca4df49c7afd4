"""Are the installed packages those of the lock: what a model was made with, and what a night runs on, must not change unnoticed."""

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions

# What a prediction depends on, noted with each model version.
MAKES_PREDICTIONS = ("duckdb", "numpy", "pyarrow", "scikit-learn", "xgboost")
_ENTRY = re.compile(r"^([\w.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)(?:\s*;\s*([^\\\n]*))?", re.MULTILINE)


def locked(text: str) -> dict[str, set[str]]:
    """package -> the versions that a requirements.lock allows: more than one where they differ by system; and those that this
    system may do without are in `optional`."""
    found: dict[str, set[str]] = {}
    for name, version, _ in _ENTRY.findall(text):
        found.setdefault(_plain(name), set()).add(version)
    return found


def optional(text: str) -> set[str]:
    """Packages of the lock that are for some systems alone."""
    return {_plain(name) for name, _, marker in _ENTRY.findall(text) if marker.strip()}


def installed() -> dict[str, str]:
    """package -> version, of this Python."""
    return {_plain(d.metadata["Name"]): d.version for d in distributions() if d.metadata["Name"]}


def differing(text: str, found: Mapping[str, str]) -> Iterator[str]:
    """Each package that is not as locked, in words."""
    spare = optional(text)
    for name, versions in sorted(locked(text).items()):
        wanted = " or ".join(sorted(versions))
        if name not in found:
            if name not in spare:
                yield f"{name} is not installed, {wanted} is locked"
        elif found[name] not in versions:
            yield f"{name} {found[name]} is installed, {wanted} is locked"


def made_with() -> str:
    """The versions that a model's predictions depend on, as one line."""
    found = installed()
    return ", ".join(f"{name} {found.get(name, 'none')}" for name in MAKES_PREDICTIONS)


def _plain(name: str) -> str:
    """A package's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
