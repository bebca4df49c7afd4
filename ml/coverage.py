"""Does the lower bound keep its promise? A bound on a probability cannot be checked on one member, whose answer is yes or no;
it can on groups, whose share of answers is known. Arrays in, figures out.
"""

import numpy as np
import pandas as pd

from ml.ensemble import Values

COLUMNS = ("group", "rows", "answers", "relevance", "low", "observed", "covered")


def coverage(answered: Values, relevance: Values, low: Values, groups: int = 10) -> pd.DataFrame:
    """Groups of equal size by relevance, lowest first: group, rows, answers, relevance (mean), low (mean lower bound),
    observed (share answered), covered (1.0 where observed is not below low).

    The observed share has chance of its own in it, so the share covered differs from that of the true rates, the more the
    smaller the groups are. Groups are never more than rows / 20.

    >>> coverage(np.tile([0.0, 1.0], 20), np.full(40, 0.5), np.full(40, 0.4), 1).covered.tolist()
    [1.0]
    """
    most = max(1, min(groups, answered.size // 20))
    rows = []
    for number, at in enumerate(np.array_split(np.argsort(relevance, kind="stable"), most)):
        if at.size:
            seen, bound = float(answered[at].mean()), float(low[at].mean())
            rows.append(
                (
                    number,
                    at.size,
                    float(answered[at].sum()),
                    float(relevance[at].mean()),
                    bound,
                    seen,
                    float(seen >= bound),
                )
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def covered_share(groups: pd.DataFrame) -> float:
    """Share of groups (of one or of several `coverage` frames) whose observed rate is not below their bound; NaN of none."""
    return float(groups.covered.mean()) if len(groups) else float("nan")
