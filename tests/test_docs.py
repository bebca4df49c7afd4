"""Documentation that fails the build when it lies: everything there is to know is on a page, every generated page is what the
code says, and every name that a page mentions exists. The code in its fences is run by test_doc_fences.py.
"""

import ast
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from assets.tables import ASSET_TABLES
from docs.generate import PAGES as GENERATED
from docs.render_commands import commands
from docs.render_relevance import relevance_pictures
from docs.render_reliability import FAULTS, PROMISES
from ml.feature_dictionary import FEATURES
from ml.policy import Policy
from ml.policy_sections import Section
from ml.published_tables import PUBLISHED_TABLES
from ml.reasons import Reason
from ml.tables import Table
from orchestration.definitions import build_definitions
from orchestration.schedule import HOUR, ZONE
from resources.platform import Platform
from resources.settings import CHECKOUT, Settings
from tests.doc_commands import check_hemsil, check_make
from tests.doc_pages import (
    PAGES,
    anchors_of,
    code_in_sentences,
    explained,
    links_of,
    name_of,
    prose_of,
    rows_of_tables,
    sections_of,
)

DOCS = CHECKOUT / "docs"
HAND_WRITTEN = [page for page in PAGES if str(page.relative_to(CHECKOUT)).removeprefix("docs/") not in GENERATED]
TABLES = {table.name: table for table in (*ASSET_TABLES.values(), *PUBLISHED_TABLES)}
VARIABLES = {f"HEMSIL_{name.upper()}" for name in Settings.model_fields}


# Everything is on a page


@pytest.mark.parametrize("name", GENERATED)
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    assert (DOCS / name).read_text() == GENERATED[name](), "run: make docs"


def test_every_picture_of_the_relevance_page_is_there_and_small() -> None:
    shown = re.findall(r"!\[[^]]*\]\(([^)]+)\)", (DOCS / "relevance.md").read_text())
    assert sorted(shown) == sorted(relevance_pictures())
    assert all((DOCS / name).stat().st_size < 200_000 for name in shown)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_table_and_column_is_documented(table: Table) -> None:
    sections = sections_of(DOCS / "tables.md")
    assert table.meaning in sections[table.name]
    told = explained(sections[table.name])
    for target in re.findall(r"\]\((?:#(\w+)|features\.md)\)", sections[table.name]):
        told |= explained(sections[target] if target else (DOCS / "features.md").read_text())
    assert set(table.names) - told == set()


def test_every_feature_is_documented_with_its_unit_and_meaning() -> None:
    told = {(row[0], row[1], row[2], row[-1]) for row in rows_of_tables((DOCS / "features.md").read_text())}
    assert {(f"`{f.name}`", str(f.grain), f.unit, f.meaning) for f in FEATURES} - told == set()
    assert [f.name for f in FEATURES if not f.meaning] == []


def test_every_setting_is_documented() -> None:
    assert VARIABLES - explained((DOCS / "settings.md").read_text()) == set()


def test_every_key_of_the_policy_is_documented() -> None:
    def keys(section: type[Section], name: str) -> set[tuple[str, str]]:
        found = set()
        for key, field in section.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
                found |= keys(field.annotation, f"{name}.{key}".lstrip("."))
            else:
                found.add((name, key))
        return found

    sections = sections_of(DOCS / "policy.md")
    assert {(n, key) for n, key in keys(Policy, "") if key not in explained(sections.get(f"[{n}]", ""))} == set()


def test_every_reason_code_is_documented() -> None:
    sections = sections_of(DOCS / "suppression-rules.md")
    assert {code for code in Reason if code.meaning not in sections.get(code, "")} == set()
    assert set(Reason) - explained((DOCS / "tables.md").read_text()) == set()


def test_every_command_and_option_is_documented() -> None:
    sections = sections_of(DOCS / "commands.md")
    for name, command in commands():
        assert command.help.strip().splitlines()[0] in sections[name]
        told = {word for code in explained(sections[name]) for word in re.split(r"\W*[ \[\]]", code)}
        for parameter in command.params:
            written = {parameter.name.upper()} if parameter.param_type_name == "argument" else set(parameter.opts)
            assert parameter.name == "help" or written <= told, (name, parameter.name)


def test_every_job_schedule_asset_and_check_is_documented(settings: Settings) -> None:
    definitions = build_definitions(Platform(settings))
    told = explained((DOCS / "commands.md").read_text())
    jobs = {job.name for job in definitions.resolve_all_job_defs() if not job.name.startswith("__")}
    assets = {spec.key.to_user_string() for spec in definitions.resolve_all_asset_specs()}
    schedules = {schedule.name for schedule in definitions.schedules or ()}
    checks = {key.name for key in definitions.resolve_asset_graph().asset_check_keys}
    assert (jobs | assets | schedules | checks) - told == set()


def test_the_architecture_names_every_asset_in_its_group(settings: Settings) -> None:
    table = sections_of(DOCS / "architecture.md")["How it is built"]
    told = {row[0]: set(re.findall(r"`(\w+)`", row[1])) for row in rows_of_tables(table)}
    there: dict[str, set[str]] = {}
    for spec in build_definitions(Platform(settings)).resolve_all_asset_specs():
        there.setdefault(str(spec.group_name), set()).add(spec.key.to_user_string())
    there["sources"] = {"quarantine"}  # and one for each source table, which tables.md lists
    assert told == there


def test_every_decision_is_in_the_index() -> None:
    pages = {page.name for page in (DOCS / "adr").glob("*.md")} - {"README.md"}
    assert set(links_of(DOCS / "adr" / "README.md")) == pages


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), {CHECKOUT / "README.md"}
    while waiting:
        page = waiting.pop()
        reached.add(page)
        targets = {(page.parent / link.split("#")[0]).resolve() for link in links_of(page) if "://" not in link}
        waiting |= {target for target in targets if target.suffix == ".md" and target.exists()} - reached
    assert [name_of(page) for page in PAGES if page not in reached] == []


# What a page says is there


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_resolves(page: Path) -> None:
    broken = []
    for link in links_of(page):
        if "://" not in link:
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in anchors_of(target)):
                broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    folders = "|".join(path.name for path in CHECKOUT.iterdir() if path.is_dir() and not path.name.startswith("."))
    named = [code for code in code_in_sentences(page) if re.fullmatch(rf"({folders})/[\w./*-]*", code)]
    named += [code for code in code_in_sentences(page) if re.fullmatch(r"[\w-]+\.(toml|yaml|lock|in)", code)]
    assert [path for path in named if not list(CHECKOUT.glob(path))] == []


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=name_of)
def test_every_command_in_a_sentence_exists(page: Path) -> None:
    for code in code_in_sentences(page):
        if match := re.match(r"(?:\.venv/bin/)?(hemsil|make) (.+)", code):
            {"hemsil": check_hemsil, "make": check_make}[match[1]](match[2].split())


SPARKS_OWN = {"SPARK_CONF_DIR", "PYSPARK_PYTHON"}
FUNCTIONS = {"opt_out", "opt_in", "feedback", "prefer", "claim", "confirm", "give_back"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_setting_reason_view_and_port_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    assert set(re.findall(r"\bHEMSIL_[A-Z_]+[A-Z]", text)) - VARIABLES == set()
    spans = code_in_sentences(page)
    named = {code for code in spans if re.fullmatch(r"[A-Z]+_[A-Z_]+", code)}
    assert named - VARIABLES - SPARKS_OWN - set(Reason) == set()
    views = {name for code in spans for name in re.findall(r"\bmarts\.(\w+)", code)}
    assert views - {table.name for table in PUBLISHED_TABLES} - FUNCTIONS == set()
    ports = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", text)}
    assert ports - {Settings.model_fields[name].default for name in ("ui_port", "mlflow_port", "reports_port")} == set()


def test_the_hour_of_the_night_is_told_as_the_schedule_has_it() -> None:
    minute, hour = HOUR.split()[:2]
    for page in (CHECKOUT / "README.md", DOCS / "how-to" / "run-in-production.md"):
        assert f"{int(hour):02}:{int(minute):02} {ZONE}" in prose_of(page)


def test_every_page_that_the_code_names_is_there() -> None:
    files = [CHECKOUT / "Makefile", CHECKOUT / "policy.toml", CHECKOUT / "pyproject.toml"]
    for folder in ("ml", "simulator", "resources", "assets", "web", "orchestration", "hemsil"):
        files += (CHECKOUT / folder).rglob("*.py")
    named = {(name_of(file), page) for file in files for page in re.findall(r"docs/[\w/-]+\.md", file.read_text())}
    assert {(file, page) for file, page in named if not (CHECKOUT / page).exists()} == set()


def test_every_command_has_the_modules_it_imports() -> None:
    tree = ast.parse((CHECKOUT / "hemsil" / "main.py").read_text())
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert [module for module in sorted(modules) if find_spec(module) is None] == []


def test_pytest_takes_the_command_of_make_faults() -> None:
    """With the last figures in their place: a file that is there, pytest took for what to test, and then knew no option of ours."""
    made = subprocess.run(["make", "-n", "faults"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    words = shlex.split(next(line for line in made.splitlines() if "pytest" in line).partition("pytest ")[2])
    nothing = ("--collect-only", "--ignore-glob=*/test_*.py", "-n0", "--promises=/dev/null")
    asked = subprocess.run(
        [sys.executable, "-m", "pytest", *words, *nothing], check=False, cwd=CHECKOUT, capture_output=True, text=True
    )
    assert asked.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, asked.stderr


def test_every_promise_and_every_fault_has_a_test_that_is_marked_with_it() -> None:
    tests = "".join(path.read_text() for path in (CHECKOUT / "tests").glob("test_*.py"))
    assert set(re.findall(r'mark\.promise\("(\w+)"\)', tests)) == set(PROMISES | FAULTS)
