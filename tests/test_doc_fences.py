"""Every fence of the README and of docs/ is run or checked, by its language. A language that is not here fails by name."""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import ibis
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from assets.tables import ASSET_TABLES
from ml.club import table_of
from ml.lake_tables import DECISIONS
from ml.policy import Policy
from ml.published_tables import PUBLISHED_TABLES
from orchestration.definitions import build_definitions
from resources.database import migrate, open_database
from resources.lake import Lake
from resources.marts import Marts
from resources.platform import Platform
from resources.settings import Settings
from tests.batch_rows import offers, publish, suppressions
from tests.doc_commands import check_line
from tests.doc_pages import PAGES, Fence, fences_of, name_of

FENCES = [fence for page in PAGES for fence in fences_of(page)]


def fences_in(language: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "fence", [fence for fence in FENCES if fence.language == language], ids=lambda fence: fence.place
    )


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_fence_is_of_a_language_that_is_checked(page: Path) -> None:
    found = fences_of(page)
    assert {fence.language for fence in found} - {"sh", "sql", "python", "toml", "mermaid", "text"} == set()
    marks = re.findall(r"^\s*(?:```|~~~)", page.read_text(), re.MULTILINE)
    assert len(marks) == 2 * len(found), "a fence that is not seen as one"


@fences_in("sh")
def test_a_shell_command_exists_and_can_be_copied(fence: Fence) -> None:
    for line in fence.lines:
        check_line(line)


@fences_in("toml")
def test_toml_is_a_policy(fence: Fence) -> None:
    Policy.parse(fence.text)


@fences_in("python")
def test_python_runs(fence: Fence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(fence.text, fence.place, "exec"), {"__name__": "__main__"})


@pytest.fixture(scope="module")
def published(database: str) -> Iterator[Engine]:
    """A batch with the campaign and the members that the pages speak of."""
    engine = open_database(database)
    migrate(engine)
    lines = "1029 1 18 email 0.5\n 1030 1 18 email 0.25"
    publish(Marts(engine), offers=offers(lines), suppressions=suppressions("7 18 LOW_RELEVANCE"), audience={"18": 3})
    yield engine
    engine.dispose()


@pytest.fixture
def lake_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that looks like a checkout in which a night has run: its ledger has one row."""
    monkeypatch.chdir(tmp_path)
    row = {
        "campaign_id": "18",
        "member_id": "7",
        "offer_id": "a",
        "channel": "email",
        "failures": [],
        "propensity": 1.0,
    }
    row |= {"verdict": "suppress", "reason": "LOW_RELEVANCE", "detail": "", "evidence": "{}"}
    row |= {"model_version": "1", "policy_version": "p1"}
    lake = Lake(tmp_path / ".hemsil" / "lake", ibis.duckdb.connect())
    lake.write(DECISIONS, "2017-10-30", table_of(DECISIONS, [row]))


@fences_in("sql")
def test_sql_gives_an_answer(fence: Fence, published: Engine, lake_beside: None) -> None:
    """A marketer's queries run as the marketer, opt-outs as the web does them, and queries of the lake in DuckDB."""
    statements = re.sub(r"--.*", "", fence.text).split(";")
    for statement in filter(None, map(str.strip, statements)):
        if ".hemsil/lake/" in statement:
            assert duckdb.sql(statement).fetchall(), statement
            continue
        role = "hemsil_web" if re.search(r"\bmarts\.opt_(out|in)\(", statement) else "hemsil_marketer"
        with published.connect() as connection:
            connection.execute(sa.text(f"SET LOCAL ROLE {role}"))
            assert connection.execute(sa.text(statement)).all(), statement
            connection.rollback()


@fences_in("mermaid")
def test_a_picture_names_what_there_is(fence: Fence, settings: Settings) -> None:
    """A node without words of its own is named as an asset group, an asset or a view."""
    specs = list(build_definitions(Platform(settings)).resolve_all_asset_specs())
    names = {str(spec.group_name) for spec in specs} | {table.name for table in PUBLISHED_TABLES} | set(ASSET_TABLES)
    names |= {spec.key.to_user_string() for spec in specs}
    first, *lines = fence.lines
    assert re.fullmatch(r"(flowchart|graph) (LR|TD|TB|RL)", first)
    bare, worded = set(), set()
    for node in (part.strip() for line in lines for part in re.split(r"-->|&", line)):
        match = re.fullmatch(r'(\w+)(\[\("[^"]+"\)\]|\["[^"]+"\])?', node)
        assert match, f"{fence.place}: {node!r} is not a node"
        (worded if match[2] else bare).add(match[1])
    assert bare - worded - names == set()


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("hemsil nightly", "cannot be copied"),
        (".venv/bin/hemsil nightly --on 2017-10-30", "No such option"),
        (".venv/bin/hemsil nightly --as-of tomorrow", "Invalid isoformat"),
        (".venv/bin/hemsil tonight", "no command tonight"),
        ("make tonight", "make has no tonight"),
        ("export HEMSIL_SOURCES=/data", "no setting"),
        ("export HEMSIL_UI_PORT=http", "valid integer"),
        ('psql "$(.venv/bin/hemsil db address)"', "no command db address"),
    ],
)
def test_a_shell_command_that_is_not_there_is_found_out(line: str, wrong: str) -> None:
    with pytest.raises(Exception, match=wrong):
        check_line(line)
