"""How assets come to and from the lake: Dagster's IO manager for Ibis tables. The partition is the business date."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import dagster as dg
import ibis.expr.types as ir
import pyarrow as pa

from ml.tables import Table
from resources.code_version import code_version
from resources.home import prepare_home
from resources.lake import Lake, Manifest
from resources.platform import SHARDS, Platform
from resources.turn import STARTED_BY, one_night_at_a_time


@dataclass(frozen=True)
class Parts:
    """An asset whose parts, one for each of so many shards, are in the lake already, and are now put together."""

    shards: int


Beside = Callable[[ir.Table], dict[str, dg.MetadataValue]]


class LakeIOManager(dg.IOManager):
    """Writes an asset's Ibis expression as the lake table of its name, and gives it to the assets after it.

    The table's definition is checked on write and on read; what was written is shown beside the asset as counts, with
    whatever `beside` makes of the table of that name.
    """

    def __init__(self, platform: Platform, tables: Mapping[str, Table], beside: Mapping[str, Beside] | None = None):
        self._platform = platform
        self._tables = tables
        self._beside = beside or {}

    @property
    def _lake(self) -> Lake:
        return self._platform.lake

    def handle_output(self, context: dg.OutputContext, obj: ir.Table | pa.RecordBatchReader | Parts) -> None:
        name, date = context.asset_key.path[-1], context.partition_key
        layer = context.step_context.job_def.asset_layer
        parents = [key.path[-1] for key in layer.get(context.asset_key).parent_keys]
        notes = context.output_metadata.get("notes")  # {"recorded": "no"}, say
        said = notes.data if isinstance(notes, dg.JsonMetadataValue) else notes
        told = {str(k): str(v) for k, v in said.items()} if isinstance(said, Mapping) else {}
        inputs = {p: self._lake.manifest(p, date).digest for p in parents if self._lake.has(p, date)}
        of_run = {"code_version": code_version(), "run_id": context.run_id}
        if isinstance(obj, Parts):
            manifest = self._lake.finish_parts(
                self._tables[name], date, obj.shards, **of_run, inputs=inputs, notes=told
            )
        else:
            shards = int(told.get(SHARDS, "1"))
            manifest = self._lake.write(
                self._tables[name], date, obj, **of_run, inputs=inputs, notes=told, shards=shards
            )
        shown = self._shown(manifest)
        if name in self._beside:
            shown |= self._beside[name](self._lake.read(self._tables[name], date))
        context.add_output_metadata(shown)

    def load_input(self, context: dg.InputContext) -> ir.Table:
        name = context.asset_key.path[-1]
        return self._lake.read(self._tables[name], context.partition_key)

    def _shown(self, manifest: Manifest) -> dict[str, dg.MetadataValue]:
        folder = self._lake.folder(manifest.table, manifest.business_date)
        return {
            "dagster/row_count": dg.MetadataValue.int(manifest.rows),
            "folder": dg.MetadataValue.path(str(folder)),
            "digest": dg.MetadataValue.text(manifest.digest[:16]),
        }


def lake_in_turn(
    platform: Platform, tables: Mapping[str, Table], beside: Mapping[str, Beside] | None = None
) -> dg.IOManagerDefinition:
    """The IO manager, for a run that waits for its turn and has it until it ends. A command of ours has its turn already."""

    @dg.io_manager  # type: ignore[arg-type]  # a generator is one too, and ends with the run
    def lake(context: dg.InitResourceContext) -> Iterator[LakeIOManager]:
        manager = LakeIOManager(platform, tables, beside)
        if context.run is None or STARTED_BY in context.run.tags:
            yield manager
            return
        prepare_home(platform.settings)
        with one_night_at_a_time(platform.settings, wait=True):
            yield manager

    return lake
