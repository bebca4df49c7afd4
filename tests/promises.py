"""A test that shows one of the promises of docs/reliability.md says so: `@pytest.mark.promise("R1")`. `make faults` runs those
alone, as often as the promise asks for, and writes what they found to docs/measured/reliability.csv.
"""

import csv
import os
from pathlib import Path

import pytest

FULL = os.environ.get("FAULTS") == "full"


def times(full: int, quick: int) -> int:
    """How often to try: as often as the promise asks for under `make faults`, less often in `make test`."""
    return full if FULL else quick


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--promises", type=Path, help="CSV file for what the tests of the promises found")
    parser.addoption("--add", action="store_true", help="leave what the file says of tests that are not run now")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for mark in item.iter_markers("promise"):
            item.user_properties += [("promise", identifier) for identifier in mark.args]


def pytest_configure(config: pytest.Config) -> None:
    file = config.getoption("--promises")
    if file and not hasattr(config, "workerinput"):  # the workers' reports come to the one that started them
        config.pluginmanager.register(_Findings(file, config.getoption("--add")))


class _Findings:
    def __init__(self, file: Path, add: bool) -> None:
        self.file, self.add = file, add
        self.rows: list[tuple[str, str, str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            told = "; ".join(str(value) for name, value in report.user_properties if name == "figure")
            for name, value in report.user_properties:
                if name == "promise":
                    self.rows.append((str(value), report.nodeid, report.outcome, told))

    def pytest_sessionfinish(self) -> None:
        if self.add and self.file.exists():
            ran = {row[1] for row in self.rows}
            with self.file.open(newline="") as file:
                self.rows += [tuple(row) for row in list(csv.reader(file))[1:] if row[1] not in ran]  # type: ignore[misc]
        with self.file.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("promise", "test", "outcome", "figure"))
            writer.writerows(sorted(set(self.rows)))
