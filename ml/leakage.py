"""The canary: features that know the answer. A feature that tells alone what a whole model can hardly tell has most likely
seen the future, or the answer itself. Looking and refusing are here; what a night does then is the caller's.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ml.errors import LeakSuspected
from ml.evaluation import Ranked
from ml.inputs import floats

ALONE = 0.90  # AUC that no honest single feature of a mailing has been seen to reach
CHOICE_ALONE = 0.95  # the same of an offer among others, which is easier told
LEAST_KNOWN = 0.05  # share of rows a feature must be known for


@dataclass(frozen=True)
class Suspect:
    """A feature and the AUC it has alone, counted towards whichever side it tells."""

    feature: str
    auc: float

    @property
    def reason(self) -> str:
        """A sentence for the log and the asset check."""
        return f"{self.feature} alone tells answers with AUC {self.auc:.3f}: it has probably seen them"


def suspects(rows: pa.Table, names: tuple[str, ...], ceiling: float = ALONE) -> list[Suspect]:
    """Features of labelled rows (column answered) whose AUC alone, or as known against missing, is above `ceiling`;
    the worst first. Names are skipped where they are text."""
    answered = floats(rows["answered"])
    found = []
    for name in names:
        if not pa.types.is_floating(rows.schema.field(name).type):
            continue
        values = floats(rows[name])
        known = ~np.isnan(values)
        tried = [known.astype(float)]
        if known.mean() >= LEAST_KNOWN:
            tried.append(np.where(known, values, np.nanmedian(values)))
        aucs = [Ranked.of(answered, column).figures()["auc"] for column in tried]
        worst = max((max(auc, 1 - auc) for auc in aucs if np.isfinite(auc)), default=0.5)
        if worst > ceiling:
            found.append(Suspect(name, worst))
    return sorted(found, key=lambda suspect: -suspect.auc)


def refuse_leaks(rows: pa.Table, names: tuple[str, ...], ceiling: float = ALONE) -> Suspect | None:
    """The feature that tells most alone, None where none tells anything. Raises LeakSuspected, naming every one of the
    `suspects`, where there is any."""
    told = suspects(rows, names, 0.5)
    found = [suspect for suspect in told if suspect.auc > ceiling]
    if found:
        raise LeakSuspected("; ".join(suspect.reason for suspect in found))
    return told[0] if told else None
