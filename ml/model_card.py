"""The card of a model version: what it was trained on, how good it is and for whom, and what it is not for. Markdown, counts
and shares only. The figures come from the validation rows of validation.py.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ml.evaluation import Ranked, intervals, member_draws
from ml.inclusion import PEOPLE
from ml.promotion import slices
from ml.training_config import TrainingConfig
from ml.validation import BASELINES

SHOWN = ("auc", "pr_auc", "log_loss", "ece")
LEAST = 20  # members below which a cell is not shown
LEAST_ANSWERS = 20  # answers below which a figure says more of those few than of the model
DRAWS = 100


def model_card(rows: pd.DataFrame, config: TrainingConfig, facts: Mapping[str, object], seed: int) -> str:
    """rows: VALIDATION, and where known the columns of inclusion.py; facts: name -> value of what is known of the training (examples, answers, business date, ...)."""
    told = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    parts = [("all mailings", np.ones(len(rows), dtype=bool)), *slices(rows)]
    people = [(name, mask) for column in PEOPLE if column in rows for name, mask in slices(rows, (column,))]
    told_people = "\n".join(_line(name, rows[mask], seed) for name, mask in people)
    figures = "\n".join(_line(name, rows[mask], seed) for name, mask in parts)
    simple = "\n".join(_baseline(name, rows) for name in ("relevance", *BASELINES))
    return f"""# Model card

What it says: the probability that a member answers a mailing, and which of its offers they answer with.

## Trained on

{told}

Trained with {config.bags} bags of trees (depth {config.depth}, learning rate {config.learning_rate}) and a linear partner.

## How good it is

On past mailings that the models that scored them had not been fitted on; 95 % intervals are a bootstrap over members.

| mailings | rows | answers | AUC | PR-AUC | log loss | calibration error |
|---|---|---|---|---|---|---|
{figures}

{_by_people(told_people)}| scorer | AUC on the same mailings |
|---|---|
{simple}

## What it is for, and what not

It ranks and stops mailings to members of the club it was trained on, who may be profiled. It is not a judgement of a person:
it says nothing of health, income or family, and consent, declared facts and feedback are rules above it that it cannot
overrule. A member or category unlike those above gets an estimate near the average, and LOW_CONFIDENCE.

Who was never mailed has no answer here: the figures speak for the kind of members that past campaigns were sent to.
"""


def _by_people(lines: str) -> str:
    """By age and place; a sentence where neither is known."""
    if not lines:
        return "By age and place: not known of these members.\n\n"
    return f"""By age and place, which the model does not know:

| mailings | rows | answers | AUC | PR-AUC | log loss | calibration error |
|---|---|---|---|---|---|---|
{lines}

"""


def _line(name: str, rows: pd.DataFrame, seed: int) -> str:
    answers = int(rows.answered.sum())
    if rows.member_id.nunique() < LEAST:
        return f"| {name} | fewer than {LEAST} members | – | – | – | – | – |"
    if min(answers, len(rows) - answers) < LEAST_ANSWERS:
        return f"| {name} | {len(rows):,} | fewer than {LEAST_ANSWERS} | – | – | – | – |"
    ranked = Ranked.of(rows.answered.to_numpy(dtype=float), rows.relevance.to_numpy(dtype=float))
    found = intervals(ranked.figures, member_draws(rows.member_id.to_numpy(), DRAWS, seed))
    cells = " | ".join(f"{found[n].value:.3f} ({found[n].low:.3f}–{found[n].high:.3f})" for n in SHOWN)
    return f"| {name} | {len(rows):,} | {answers:,} | {cells} |"


def _baseline(name: str, rows: pd.DataFrame) -> str:
    shown = "the model" if name == "relevance" else name
    if rows[name].isna().any():
        return f"| {shown} | not measured |"
    ranked = Ranked.of(rows.answered.to_numpy(dtype=float), rows[name].to_numpy(dtype=float))
    return f"| {shown} | {ranked.figures()['auc']:.3f} |"
