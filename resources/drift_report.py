"""Compares two frames of features or scores and keeps the report of it: an HTML page and, beside it, the verdicts as
JSON. Which distance is too far is decided in ml/drift.py; Evidently is run, and its page made, in evidently_page.py;
serving the pages is web/reports.py.
"""

import json
import math
import os
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ml.drift import METHODS, ColumnVerdict, DriftLimits, Judgement, judge, judge_all
from ml.drift_profile import profile
from ml.drift_tables import DRIFT
from ml.errors import InputError
from resources.evidently_page import measure, page_html

IDENTIFIERS = frozenset(
    {"member_id", "first_name", "postcode", "transaction_id", "mailing_id", "response_id", "feedback_id", "case_id"}
)


@dataclass(frozen=True)
class DriftResult:
    """The outcome of one comparison.

    table          DRIFT's columns, one row a column compared, in the order asked for
    judgement      all columns together, with the reason in words
    html, summary  the files kept: Evidently's page with our verdicts on top, and the verdicts as JSON
    """

    table: pd.DataFrame
    judgement: Judgement
    html: Path
    summary: Path

    @property
    def share_drifted(self) -> float | None:
        """Share of the columns with a distance that are beyond it; None if no column has a distance."""
        return self.judgement.share_drifted

    @property
    def failed(self) -> tuple[str, ...]:
        return self.judgement.failed


def run_drift(
    current: pd.DataFrame,
    reference: pd.DataFrame,
    numeric: Sequence[str],
    categorical: Sequence[str],
    *,
    limits: DriftLimits,
    important: Sequence[str],
    title: str,
    folder: Path,
    seed: int,
) -> DriftResult:
    """Compare the night's rows with the reference's, column by column, and keep the report in `folder`.

    Shares are counted on all rows; distances are measured on at most MOST_ROWS values of each side, chosen by `seed` and
    the order of the rows. `folder` is the night's, as in reports/2017-10-30; it gets mode 0700. The files are named after
    `title` and replace those of an earlier run of the same night; the JSON is written last.

    Raises InputError for a column that tells members apart (rows about members are compared, members never are), and for
    one that is in neither frame or asked for twice. What is wrong with the data is a verdict, never an error.
    """
    given = {*numeric, *categorical, *current.columns, *reference.columns}
    if found := sorted(IDENTIFIERS & given):
        raise InputError(f"drift: {', '.join(found)} must be dropped first: a report is never about single members")
    name = report_name(title)
    profiles = profile(current, reference, numeric, categorical)
    measured = measure(current, reference, [p for p in profiles if p.comparable], limits, seed)
    verdicts = judge(profiles, measured.distances, limits, important)
    judgement = judge_all(verdicts, limits)
    table = drift_table(name, verdicts)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    html, summary = folder / f"{name}.html", folder / f"{name}.json"
    _write(html, page_html(title, judgement, table, measured.widgets))
    _write(summary, _summary(title, judgement, table))
    return DriftResult(table, judgement, html, summary)


def report_name(title: str) -> str:
    """The title as a file name: lower-case letters, digits and hyphens. Raises InputError when nothing is left."""
    name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:80].strip("-")
    if not name:
        raise InputError("drift: the title needs a letter or a digit, as the report's file is named after it")
    return name


def drift_table(report: str, verdicts: Sequence[ColumnVerdict]) -> pd.DataFrame:
    """The verdicts as rows of DRIFT."""
    rows = [
        {
            "report": report,
            "column_name": v.profile.column,
            "kind": v.profile.kind,
            "method": METHODS[v.profile.kind] if v.value is not None else "none",
            "value": v.value,
            "threshold": v.threshold,
            "null_share_current": v.profile.current.null_share,
            "null_share_reference": v.profile.reference.null_share,
            "inf_share_current": v.profile.current.infinite_share,
            "inf_share_reference": v.profile.reference.infinite_share,
            "new_categories": v.profile.new_categories,
            "new_category_share": v.profile.new_share,
            "rows_current": v.profile.current.rows,
            "rows_reference": v.profile.reference.rows,
            "verdict": v.verdict,
            "reason": v.reason,
        }
        for v in verdicts
    ]
    types = {"float64": "Float64", "int64": "Int64", "string": "str"}
    return pd.DataFrame(rows, columns=list(DRIFT.names)).astype({c.name: types[c.type.ibis] for c in DRIFT.columns})


def _summary(title: str, judgement: Judgement, table: pd.DataFrame) -> str:
    """What the page of reports shows without opening the report. Missing figures are null, as JSON knows no NaN."""
    columns = table.drop(columns="report").astype(object).where(table.drop(columns="report").notna(), None)
    share = judgement.share_drifted
    content = {
        "title": title,
        "verdict": judgement.verdict,
        "reason": judgement.reason,
        "share_drifted": None if share is None or math.isnan(share) else share,
        "columns": columns.to_dict("records"),
    }
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    """Put a file in its place at once: a reader, or a killed run, never meets half of it."""
    for left in path.parent.glob(f".{path.name}.*"):
        left.unlink(missing_ok=True)
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
