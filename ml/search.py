"""A bounded search for better training parameters, judged on later mailings than those learned from. What it finds is proposed
as a piece of policy and never taken by itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import optuna
import pandas as pd
import pyarrow as pa

from ml.training import fit_model
from ml.training_config import TrainingConfig

# Looked through, and widened to what is in use where that lies outside.
RANGES = {
    "depth": (2, 7),
    "learning_rate": (0.02, 0.2),
    "leaf_weight": (1.0, 60.0),
    "columns": (0.2, 0.9),
    "linear_strength": (0.001, 1.0),
}
LEAST_GAIN = 0.002  # share of the loss below which another value is chance, not better


@dataclass(frozen=True)
class Proposal:
    """What a search found.

    trials     number, loss, seconds and the parameters of each; the first is what is in use
    better     parameters that are better than those in use; empty where none are
    words      the outcome in a sentence
    """

    trials: pd.DataFrame
    better: dict[str, float]
    words: str

    @property
    def policy(self) -> str:
        """The proposal as it would stand in policy.toml; empty where nothing is proposed."""
        if not self.better:
            return ""
        return "\n".join(["[model]", *(f"{name} = {value!r}" for name, value in self.better.items())]) + "\n"


def search(
    mailings: pa.Table,
    offers: pa.Table,
    as_of: datetime,
    config: TrainingConfig,
    kind: Literal["choice", "pair"],
    *,
    trials: int,
    seconds: float,
    progress: Callable[[str], None],
) -> Proposal:
    """Try at most so many settings for at most so many seconds (the last one begun is finished). The same data, seed and number
    of trials give the same proposal. Raises TooFewExamples."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="minimize", sampler=optuna.samplers.TPESampler(seed=config.seed))
    used = {name: getattr(config, name) for name in RANGES}
    ranges = {name: (min(least, used[name]), max(most, used[name])) for name, (least, most) in RANGES.items()}
    study.enqueue_trial(used)

    def loss(trial: optuna.Trial) -> float:
        tried = {
            name: (
                trial.suggest_int(name, int(least), int(most))
                if name == "depth"
                else trial.suggest_float(name, least, most, log=name != "columns")
            )
            for name, (least, most) in ranges.items()
        }
        tried_config = replace(config, bags=2, **tried)  # type: ignore[arg-type]
        fitted = fit_model(mailings, offers, as_of, tried_config, kind)
        stages = ("mailing", "offer") if kind == "choice" else ("mailing",)
        found = sum(fitted.metrics[f"{stage}_log_loss"] for stage in stages)
        progress(f"trial {trial.number + 1} of {trials}: loss {found:.5f}")
        return found

    study.optimize(loss, n_trials=trials, timeout=seconds)
    return _proposal(study, used)


def _proposal(study: optuna.Study, used: dict[str, float]) -> Proposal:
    rows = [
        {
            "trial": t.number + 1,
            "loss": t.value,
            "seconds": t.duration.total_seconds() if t.duration else None,
            **t.params,
        }
        for t in study.trials
        if t.value is not None
    ]
    table = pd.DataFrame(rows)
    before, after = float(table.loss.iloc[0]), float(table.loss.min())
    gain = 1 - after / before
    if gain < LEAST_GAIN:
        words = f"nothing is proposed: the best of {len(table)} trials lowers the loss on later mailings by {gain:.2%}, less than {LEAST_GAIN:.1%}"
        return Proposal(table, {}, words)
    better = {name: round(value, 4) for name, value in study.best_params.items() if value != used[name]}
    words = f"proposed: loss {after:.5f} on later mailings against {before:.5f} of what is in use, {gain:.2%} less, best of {len(table)} trials"
    return Proposal(table, better, words)
