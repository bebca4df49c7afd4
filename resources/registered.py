"""What goes into the model registry and comes out of it, and the names that its entries go by. Going in and out is in model_store.py."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NAME = "relevance"
CHAMPION = "champion"
CHALLENGER = "challenger"
SHADOW = "shadow"  # found good enough, and scoring beside the champion before it takes its place
BUSINESS_DATE = "business_date"
CLUB = "club"  # whose data the model was trained on: one club's model never scores another's members
PROMOTED = "promoted"
TOOK_PLACE_OF = "took_place_of"
ROLLED_BACK = "rolled_back"
PINNED = "pinned"
SHADOW_SINCE = "shadow_since"
ERASED_SINCE = "erased_since"  # the first day on which a member it learned from was erased


@dataclass(frozen=True)
class Candidate:
    """A trained model on its way into the registry.

    files     name -> content of everything fitted (native ubj boosters and relevance.json)
    flavor    name of the booster in `files` that MLflow's own loader gives back
    figures   file name -> PNG
    tables    file name -> CSV, JSON or Markdown text
    data      lake table -> digest of what it was trained on
    """

    files: Mapping[str, bytes]
    flavor: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, bytes] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Registered:
    """A model version of the registry and its files, checked."""

    version: str
    run_id: str
    files: Mapping[str, bytes]
    tags: Mapping[str, str]
    metrics: Mapping[str, float] = field(default_factory=dict)
