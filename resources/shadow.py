"""The model in its shadow nights, scored as the night scores. What is said of it is in ml/shadow.py."""

import ibis.expr.types as ir
import pandas as pd

from ml.errors import DamagedModel, RegistryUnavailable
from ml.lake_tables import SCORES
from ml.model import RelevanceModel
from ml.night import Night
from ml.shadow import SHADOW_SCORES, compare
from resources.platform import Platform
from resources.registry import SHADOW
from resources.scorer import Chosen, score_night

_KEYS = ["campaign_id", "member_id"]


def beside_the_champion(platform: Platform, night: Night) -> pd.DataFrame:
    """The row of SHADOW_SCORES; none where no model is tried, the policy asks for no shadow nights, or rules scored the night,
    or the registry cannot be reached."""
    nothing = pd.DataFrame(columns=list(SHADOW_SCORES.names))
    notes = platform.lake.manifest(SCORES.name, night.key).notes
    try:
        version = platform.registry.alias(SHADOW) if platform.policy.promotion.shadow_nights else None
        found = platform.registry.load(version) if version and notes.get("threshold") else None
    except (RegistryUnavailable, DamagedModel):  # the night does not wait for a model that is only tried
        return nothing
    if version is None or found is None:
        return nothing
    model = RelevanceModel.from_files(dict(found.files))
    scored = score_night(platform, night, Chosen(model, version, "shadow", "tried beside the champion"))
    whole = scored.to_pyarrow() if isinstance(scored, ir.Table) else scored.read_all()
    tried = whole.select([*_KEYS, "mailing_relevance"]).group_by(_KEYS).aggregate([("mailing_relevance", "max")])
    scores = platform.lake.read(SCORES, night.key)
    told = scores.group_by(_KEYS).aggregate(champion_relevance=scores.mailing_relevance.max()).to_pandas()
    rows = tried.to_pandas().rename(columns={"mailing_relevance_max": "relevance"}).merge(told, on=_KEYS)
    return compare(rows, version, notes["model_version"], (model.threshold, float(notes["threshold"])))
