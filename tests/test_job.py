"""What the command line shows of a run as it goes."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from rich.console import Console

from hemsil.job import _progress


@dg.asset
def ledger() -> None:
    """Stands for a table of the night."""


@dg.asset_check(asset=ledger, description="No campaign goes to nearly everybody.")
def wide() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description="spring [90%] is wide")


@dg.asset_check(asset=ledger)
def sound() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, description="nothing to tell")


@dg.asset(check_specs=[dg.AssetCheckSpec(name=f"column_{n}", asset="columns") for n in range(7)])
def columns() -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
    """Stands for the comparison with nights before, which has a check a column."""
    yield dg.Output(None)
    for n in range(7):
        yield dg.AssetCheckResult(check_name=f"column_{n}", passed=False, description="nothing to compare with")


def test_a_check_that_warned_is_shown_as_a_warning_with_its_sentence(tmp_path: Path) -> None:
    text = shown(dg.Definitions(assets=[ledger], asset_checks=[wide, sound]), tmp_path)
    lines = [line.split() for line in text.splitlines()]
    assert sorted((line[0], line[-1]) for line in lines) == [
        ("ledger", "ok"), ("ledger_sound", "ok"), ("ledger_wide", "warning"), ("warning:", "wide"),
    ]  # fmt: skip
    assert "    warning: spring [90%] is wide" in text


def test_checks_that_say_the_same_say_it_once(tmp_path: Path) -> None:
    (told,) = [line for line in shown(dg.Definitions(assets=[columns]), tmp_path).splitlines() if "warning:" in line]
    assert told == "    warning: column_0, column_1 and 5 more: nothing to compare with"


def shown(definitions: dg.Definitions, folder: Path) -> str:
    job = definitions.resolve_implicit_global_asset_job_def()
    run_id = "7b1f7a3e-6f0e-4c53-9f0a-0c8a6f3f0001"
    told = folder / "told.txt"
    with (
        dg.DagsterInstance.ephemeral() as instance,
        told.open("w") as file,
        _progress(instance, run_id, Console(file=file)),
    ):
        assert job.execute_in_process(instance=instance, run_id=run_id).success
    return told.read_text()
