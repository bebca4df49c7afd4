"""What people see beside an asset in the Dagster UI: description, column schema with units, plots. Made from the table
definitions and from figures; no asset is defined here.
"""

import base64
from typing import Any

import dagster as dg
import pandas as pd

from ml.tables import Table

OWNERS = ["team:relevance"]


def column_schema(table: Table) -> dg.TableSchema:
    """The definition as Dagster shows it: type, meaning with unit, and what may be null."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=c.name,
                type=c.type.words,
                description=f"{c.meaning} [{c.unit}]" if c.unit else c.meaning,
                constraints=dg.TableColumnConstraints(nullable=c.nullable),
                tags={"personal": ""} if c.personal else None,
            )
            for c in table.columns
        ]
    )


def table_arguments(table: Table, kinds: set[str]) -> dict[str, Any]:
    """Arguments of `@dg.asset` for an asset that is a lake table."""
    return {
        "name": table.name,
        "description": table.meaning,
        "owners": OWNERS,
        "kinds": kinds,
        "io_manager_key": "lake",
        "metadata": {"dagster/column_schema": column_schema(table)},
    }


def lake_out(table: Table, kinds: set[str]) -> dg.AssetOut:
    """The same for one output of a multi-asset."""
    return dg.AssetOut(
        description=table.meaning,
        owners=OWNERS,
        kinds=kinds,
        io_manager_key="lake",
        metadata={"dagster/column_schema": column_schema(table)},
    )


def picture(png: bytes, title: str) -> dg.MetadataValue:
    """A plot that the UI shows in place."""
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})")


def small_table(frame: pd.DataFrame, digits: int = 4) -> dg.MetadataValue:
    """A frame of a few rows as a table in the UI."""
    shown = frame.copy()
    for name in shown.select_dtypes("number").columns:
        shown[name] = shown[name].map(lambda value: f"{value:.{digits}g}")
    header = "| " + " | ".join(shown.columns) + " |\n|" + "---|" * len(shown.columns)
    rows = ("| " + " | ".join(str(v) for v in row) + " |" for row in shown.itertuples(index=False))
    return dg.MetadataValue.md("\n".join([header, *rows]))
