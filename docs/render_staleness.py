"""Writes docs/staleness.md from the figures that `hemsil staleness --save docs/measured/staleness.csv` measured."""

import csv
from pathlib import Path

from docs.grid import grid
from ml.policy_models import Monitoring

MEASURED = Path(__file__).parent / "measured" / "staleness.csv"
NAMES = {
    "auc": "AUC",
    "auc_lost": "AUC lost to a model of today",
    "pr_auc": "PR-AUC",
    "log_loss": "log loss",
    "ece": "calibration error",
    "kept": "responders above the threshold",
}


def staleness_page() -> str:
    """The page, as text."""
    with MEASURED.open() as file:
        rows = list(csv.DictReader(file))
    by_age: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows:
        by_age.setdefault(row["age_days"], {})[row["metric"]] = row
    told = ((age, *(_cell(figures[name]) for name in NAMES)) for age, figures in by_age.items())
    age = Monitoring().most_model_age_days
    worse = [a for a, figures in by_age.items() if float(figures["auc_lost"]["low"]) > 0]
    return f"""# How fast a model ages

Made by `make docs` from `docs/measured/staleness.csv`, which `hemsil staleness --save docs/measured/staleness.csv` measures: the mailings of
The Complete Journey from August 2017 on, with the features of their own day, scored by models that had stopped learning so many days before.
Brackets are 95 % intervals of a bootstrap over members; the loss is paired, on the same mailings.

{grid(("days without learning", *NAMES.values()), told)}

The loss of AUC is surely above nothing from {worse[0] if worse else "no measured age"} days on. So a night may miss its training without harm, every
batch says how old its model is, and after `most_model_age_days` = {age} days ([policy](policy.md)) the sensor asks for a new one.
"""


def _cell(figure: dict[str, str]) -> str:
    value = f"{float(figure['value']):.3f}"
    return f"{value} ({float(figure['low']):.3f} to {float(figure['high']):.3f})" if figure["low"] else value
