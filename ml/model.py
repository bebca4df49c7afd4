"""The relevance model: everything that was fitted, in one thing that travels, and how it is asked. It never fits; fitting
is in training.py, and what it says of tonight's pairs in scoring.py.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ml.ensemble import Ensemble, Values
from ml.errors import DamagedModel
from ml.explanations import Told, family_contributions, told_of
from ml.inputs import Batch

FORMAT = 4  # 3 had no line from the bags' log-odds to the estimate's
_READ = (3, 4)  # 2 lost the order of the categories, and with it what their columns mean
_HEADER = "relevance.json"


def refuse_other_format(files: Mapping[str, bytes]) -> None:
    """Raises DamagedModel where files of a model were written by code that this one does not understand."""
    try:
        told = json.loads(files[_HEADER]).get("format", FORMAT)
    except (KeyError, ValueError, AttributeError):  # what else is wrong with them is for others to say
        return
    if told not in _READ:
        raise DamagedModel(f"it is of format {told}, and this code reads formats {_READ[0]} to {_READ[-1]}")


@dataclass(frozen=True)
class RelevanceModel:
    """How relevant a mailing, and each of its offers, is to a member.

    kind       "choice": mailings carry several offers, so relevance = P(member answers) x P(offer | member answers);
               "pair": each mailing named its offer, so relevance = P(member answers this offer), and a mailing is as
               relevant as the best offer it could carry
    mailing    P(member answers the campaign); None when kind is "pair"
    offer      P(offer | member answers), or P(member answers the offer)
    threshold  least mailing relevance that kept the promised share of responders on past mailings
    as_of      night of training, UTC: nothing later was seen
    """

    kind: Literal["choice", "pair"]
    mailing: Ensemble | None
    offer: Ensemble
    threshold: float
    as_of: datetime
    seed: int
    examples: int
    answers: int

    def mailing_relevance(self, rows: Batch) -> tuple[Values, Values]:
        """(probability of an answer, its lower bound) of rows made by `examples.mailing_rows`, kind "choice" only."""
        if self.mailing is None:
            raise ValueError("a pair model knows a mailing's relevance only from its offers")
        return self.mailing.predict(rows)

    def offer_relevance(self, rows: Batch) -> tuple[Values, Values]:
        """(probability, its lower bound) of rows made by `examples.offer_rows`: P(offer | member answers) of a choice
        model, P(member answers the offer) of a pair model."""
        return self.offer.predict(rows)

    def explained(self, stage: Literal["mailing", "offer"], rows: Batch) -> Told:
        """What moves each row's score of the stage, by family of features, approximately: see `explanations.told`."""
        ensemble = self.mailing if stage == "mailing" else self.offer
        if ensemble is None:
            raise ValueError("a pair model has no mailing stage")
        return told_of(family_contributions(ensemble, rows))

    @property
    def features(self) -> dict[str, list[str]]:
        """Names of the inputs by stage."""
        stages = {"mailing": self.mailing, "offer": self.offer}
        return {name: stage.inputs.columns for name, stage in stages.items() if stage is not None}

    def to_files(self) -> dict[str, bytes]:
        """The model as files by name: native `.ubj` for the trees, `relevance.json` for all else. The same model gives
        the same bytes."""
        files: dict[str, bytes] = {}
        held: dict[str, Any] = {
            "format": FORMAT,
            "kind": self.kind,
            "threshold": self.threshold,
            "as_of": self.as_of.isoformat(),
            "seed": self.seed,
            "examples": self.examples,
            "answers": self.answers,
        }
        for name, stage in (("mailing", self.mailing), ("offer", self.offer)):
            if stage is not None:
                trees, held[name] = stage.to_files(name)
                files |= trees
        return files | {_HEADER: json.dumps(held, sort_keys=True).encode()}

    @classmethod
    def from_files(cls, files: dict[str, bytes]) -> "RelevanceModel":
        """The inverse of `to_files`. Raises DamagedModel where a file is missing or of another format."""
        try:
            held = json.loads(files[_HEADER])
            refuse_other_format(files)
            return cls(
                kind=held["kind"],
                mailing=Ensemble.from_files(files, held["mailing"]) if "mailing" in held else None,
                offer=Ensemble.from_files(files, held["offer"]),
                threshold=held["threshold"],
                as_of=datetime.fromisoformat(held["as_of"]),
                seed=held["seed"],
                examples=held["examples"],
                answers=held["answers"],
            )
        except KeyError as missing:
            raise DamagedModel(f"the model lacks {missing}") from missing
