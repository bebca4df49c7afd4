"""Nights that are killed, that lose their database, or that meet another: what is said, what is left, and that the same
command heals it. Real processes, real kills. What a sound night leaves behind is in test_night_end_to_end.py.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.debian_postgres import Account, foreign_server
from tests.installation import Answer, Installation, installation
from tests.small_club import BUSINESS_DATE, MEMBERS, POLICY, small_club

pytestmark = pytest.mark.timeout(900)

NIGHT = BUSINESS_DATE.isoformat()
COMMAND = ("nightly", "--as-of", NIGHT)


def wait_for(process: subprocess.Popen[str], step: str) -> str:
    """Read what the night says until it says that the step is done."""
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        said += line
        if line.split()[:1] == [step]:
            return said
    raise AssertionError(f"the night ended before {step}: {said}")


def kill_night_after(at: Installation, step: str) -> None:
    process = at.start(*COMMAND)
    wait_for(process, step)
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def kill_postgres(at: Installation) -> None:
    """As the kernel does where memory runs out: no goodbye, and nothing restarts it."""
    [pid_file] = at.home.rglob("postmaster.pid")
    os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)


def whole_and_alone(at: Installation) -> None:
    """One batch of the date, all its members accounted for, and no run that stands as if it still ran."""
    assert at.rows("SELECT business_date::text, state FROM marts.batches") == [(NIGHT, "published")]
    assert at.one("SELECT sum(audience - to_send - suppressed) FROM marts.campaign_summary") == 0
    assert at.one("SELECT sum(audience) FROM marts.campaign_summary") == 2 * (MEMBERS * 2 // 3)
    unfinished = "SELECT status, count(*) FROM dagster.runs WHERE status NOT IN ('SUCCESS', 'FAILURE') GROUP BY 1"
    assert at.rows(unfinished) == []


@dataclass(frozen=True)
class Week:
    """An installation after a night that was killed, one that lost its PostgreSQL, and one that met another."""

    at: Installation
    without_postgres: Answer
    second: Answer
    last: Answer


@pytest.fixture(scope="module")
def week() -> Iterator[Week]:
    with installation() as at:
        at.hand_in(small_club(answers=False), POLICY)
        kill_night_after(at, "asks")

        robbed = at.start(*COMMAND)
        said = wait_for(robbed, "source_tables")
        kill_postgres(at)
        rest, _ = robbed.communicate(timeout=280)
        without_postgres = Answer(robbed.returncode, said + rest)

        last = at.start(*COMMAND)
        begun = wait_for(last, "source_tables")
        second = at.run(*COMMAND)
        rest, _ = last.communicate(timeout=280)
        yield Week(at, without_postgres, second, Answer(last.returncode, begun + rest))


@pytest.mark.promise("F2")
def test_after_kills_the_same_command_publishes_one_whole_batch(week: Week) -> None:
    assert week.last.code == 0, week.last.text
    whole_and_alone(week.at)
    runs = week.at.rows("SELECT status, count(*) FROM dagster.runs GROUP BY 1 ORDER BY 1")
    assert runs == [("FAILURE", 2), ("SUCCESS", 1)]


@pytest.mark.promise("F2")
def test_a_night_that_loses_its_database_says_so_in_one_sentence(week: Week) -> None:
    assert week.without_postgres.code == 1
    assert "hemsil: PostgreSQL " in week.without_postgres.text
    assert "Traceback" not in week.without_postgres.text
    assert "Retrying" not in week.without_postgres.text


@pytest.mark.promise("F18")
def test_a_second_night_at_once_is_refused(week: Week) -> None:
    assert week.second.code == 3
    assert "another night is running in this data folder" in week.second.text


@pytest.mark.slow
@pytest.mark.parametrize(
    "step", ["source_tables", "scores", "decisions", "offers_to_send", "suppressions", "published_batch"]
)
def test_a_night_killed_at_any_moment_is_healed_by_the_same_command(step: str) -> None:
    with installation() as at:
        at.hand_in(small_club(answers=False), POLICY)
        kill_night_after(at, step)
        answer = at.run(*COMMAND)
        assert answer.code == 0, answer.text
        whole_and_alone(at)


@pytest.mark.slow
@pytest.mark.parametrize("step", ["asks", "scores", "decisions", "suppressions"])
def test_a_night_that_loses_postgres_at_any_moment_is_healed_by_the_same_command(step: str) -> None:
    with installation() as at:
        at.hand_in(small_club(answers=False), POLICY)
        night = at.start(*COMMAND)
        wait_for(night, step)
        kill_postgres(at)
        rest, _ = night.communicate(timeout=280)
        assert night.returncode in (0, 1)  # 0: it had published before
        assert "Traceback" not in rest
        answer = at.run(*COMMAND)
        assert answer.code == 0, answer.text
        whole_and_alone(at)


@pytest.fixture(scope="module")
def foreign() -> Iterator[Account]:
    """A database of its own on a server over TCP, whose owner may make no roles and no databases."""
    with foreign_server() as server:
        yield server.new_account("club")


@dataclass(frozen=True)
class Elsewhere:
    """A night of a club nobody has answered, in a database that is not ours."""

    at: Installation
    answer: Answer
    password: str


@pytest.fixture(scope="module")
def elsewhere(foreign: Account) -> Iterator[Elsewhere]:
    with installation({"HEMSIL_DATABASE_URL": foreign.url}) as at:
        at.hand_in(small_club(answers=False), POLICY)
        yield Elsewhere(at, at.call(*COMMAND), foreign.password)


@pytest.mark.slow
def test_a_postgresql_of_ones_own_needs_its_address_and_nothing_else(elsewhere: Elsewhere) -> None:
    at = elsewhere.at
    assert elsewhere.answer.code == 0, elsewhere.answer.text
    whole_and_alone(at)
    assert not (at.home / "postgres").exists()
    schemas = at.rows("SELECT DISTINCT schemaname FROM pg_tables WHERE tableowner = 'club' ORDER BY 1")
    assert [name for (name,) in schemas] == ["dagster", "live", "mlflow", "platform"]
    assert at.one("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'hemsil%'") == 0


@pytest.mark.slow
def test_the_password_is_nowhere_but_in_the_variable(elsewhere: Elsewhere) -> None:
    at, password = elsewhere.at, elsewhere.password
    assert password not in elsewhere.answer.text
    files = [path for path in at.home.rglob("*") if path.is_file()]
    assert not [path for path in files if password.encode() in path.read_bytes()]
    for schema in ("dagster", "mlflow"):
        for (table,) in at.rows("SELECT tablename FROM pg_tables WHERE schemaname = %s", schema):
            found = at.one(f'SELECT count(*) FROM {schema}."{table}" t WHERE position(%s in t::text) > 0', password)
            assert found == 0, table


@pytest.mark.slow
def test_with_too_few_responses_the_night_goes_by_rules_and_says_so(elsewhere: Elsewhere) -> None:
    at = elsewhere.at
    assert "Decided by rules without a model: too few responses to train on" in elsewhere.answer.text
    assert at.rows("SELECT fallback_step, model_version FROM marts.batches") == [("C", "rules")]
    assert at.one("SELECT count(*) FROM marts.offer_table") > 0


def test_a_wrong_password_is_one_sentence_that_does_not_repeat_it(foreign: Account) -> None:
    wrong = foreign.url.replace("club:", "club:no-", 1)
    with installation({"HEMSIL_DATABASE_URL": wrong}) as at:
        at.hand_in(small_club(members=60, answers=False), POLICY)
        answer = at.call(*COMMAND)
    assert answer.code == 1
    assert "password authentication failed" in answer.text
    assert "no-p" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.promise("F2")
def test_a_wrong_address_is_one_sentence() -> None:
    with installation({"HEMSIL_DATABASE_URL": "postgresql://club:secret@127.0.0.1:1/club"}) as at:
        at.hand_in(small_club(members=60, answers=False), POLICY)
        answer = at.call(*COMMAND)
    assert answer.code == 1
    assert "PostgreSQL at" in answer.text
    assert "secret" not in answer.text
