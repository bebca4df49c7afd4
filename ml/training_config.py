"""How to train: every number that the fit may be given, with its bounds. Nothing else."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingConfig:
    """How to train. Bounds are checked; every number has a reason in docs/relevance.md.

    least_mailings, least_answers   fewest past mailings, and answered ones, to train on
    keep_responders  share of those who would answer that the threshold keeps (0..1)
    confidence       how sure the threshold is to keep them, campaigns differing as they did (0..1)
    bags             models whose mean is the estimate (1..50)
    bag_share        share of the members each bag is fitted on (0..1)
    blocks           validation blocks (1..20)
    most_rounds      most trees a bag may have
    learning_rate, depth, leaf_weight, columns   of the trees, see XGBoost: eta, max_depth, min_child_weight, colsample_bytree
    linear_strength  of the linear partner, inverse of its penalty; 0 trains none
    window_days  how far back the past mailings go that are learned from
    unanswered   most rows without an answer to train on for each one with
    threads, seed
    """

    least_mailings: int = 500
    least_answers: int = 50
    keep_responders: float = 0.90
    confidence: float = 0.75
    bags: int = 5
    bag_share: float = 0.8
    blocks: int = 4
    most_rounds: int = 300
    learning_rate: float = 0.05
    depth: int = 4
    leaf_weight: float = 8.0
    columns: float = 0.4
    linear_strength: float = 0.02
    unanswered: int = 20
    window_days: int = 36_500
    threads: int = 2
    seed: int = 20170101

    def __post_init__(self) -> None:
        bounds = {
            "keep_responders": (0.01, 1.0), "confidence": (0.5, 0.999), "bags": (1, 50), "bag_share": (0.1, 0.95), "blocks": (1, 20),
            "most_rounds": (10, 5000), "learning_rate": (0.001, 1.0), "depth": (1, 12), "columns": (0.05, 1.0),
            "linear_strength": (0.0, 1e6), "threads": (1, 256), "unanswered": (1, 10**6), "least_mailings": (1, 10**9), "least_answers": (1, 10**9),
        }  # fmt: skip
        for name, (least, most) in bounds.items():
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} must be {least} to {most}, is {getattr(self, name)}")
