"""A step's process loads what the step needs and no more: with many shards it begins many times."""

import subprocess
import sys

import pytest

SLOW_TO_LOAD = {"xgboost", "sklearn", "scipy", "mlflow", "evidently", "alembic", "matplotlib"}


@pytest.mark.parametrize(
    "modules",
    ["resources.night_shards, resources.decider, resources.handover", "hemsil.main"],
    ids=["a step", "a command"],
)
def test_neither_a_step_nor_a_command_loads_what_only_training_and_reports_need(modules: str) -> None:
    told = f"import {modules}, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", told], check=True, capture_output=True, text=True).stdout.split()
    assert {name.partition(".")[0] for name in loaded} & SLOW_TO_LOAD == set()
