"""Assets that are made shard by shard: a step that plans, a step for each shard of the members, a step that puts the table together.
A shard that fails, or whose process dies, is tried again alone, and any Dagster executor may spread them. What the
steps do is in resources/night_shards.py.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg

from assets.shown import lake_out, table_arguments
from ml.errors import HemsilError
from ml.night import Night
from ml.shards import Shard, shards_in
from ml.tables import Table
from resources.io_manager import Parts
from resources.night_shards import Notes
from resources.platform import Platform

TRIES_AGAIN = 2  # times, of a shard that failed, or of what is planned for all of them
Prepare = Callable[[Platform, Night], Notes]
Write = Callable[[Platform, Night, Shard, Notes], None]
Settle = Callable[[Platform, Night, Notes], Notes]


def sharded(
    table: Table,
    kinds: set[str],
    group: str,
    deps: Sequence[str],
    prepare: Prepare,
    write: Write,
    settle: Settle | None = None,
) -> Any:
    """One lake table as an asset. `settle` looks at all parts before they are put together, and says what is to be told of them."""
    arguments = table_arguments(table, kinds)
    del arguments["io_manager_key"]
    ins = {name: dg.AssetIn(dagster_type=dg.Nothing) for name in deps}
    compose = _composed(table.name, deps, prepare, write, {table.name: None}, settle=settle)
    return dg.graph_asset(**arguments, group_name=group, ins=ins)(compose)


def sharded_together(
    name: str,
    tables: Sequence[Table],
    kinds: set[str],
    group: str,
    deps: Sequence[str],
    prepare: Prepare,
    write: Write,
    parts: Callable[[int], Mapping[str, int]],
) -> Any:
    """Lake tables that are made by the same steps. `parts` says of so many shards how many parts each table has."""
    ins = {dep: dg.AssetIn(dagster_type=dg.Nothing) for dep in deps}
    outs = {table.name: lake_out(table, kinds) for table in tables}
    compose = _composed(name, deps, prepare, write, dict.fromkeys(outs), parts)
    return dg.graph_multi_asset(name=name, outs=outs, ins=ins, group_name=group)(compose)


@contextmanager
def _tried_once() -> Iterator[None]:
    """An error of ours would come again in the same way, so the step is not tried again."""
    try:
        yield
    except HemsilError as error:
        raise dg.Failure(str(error), allow_retries=False) from error


def _composed(
    name: str,
    deps: Sequence[str],
    prepare: Prepare,
    write: Write,
    outs: Mapping[str, None],
    parts: Callable[[int], Mapping[str, int]] | None = None,
    settle: Settle | None = None,
) -> Callable[..., Any]:
    """The three ops put together, as a function whose parameters are the dependencies, which is how Dagster asks for them."""

    @dg.op(
        name=f"plan_{name}",
        ins={"after": dg.In(dg.Nothing)},
        out={"shards": dg.DynamicOut(str), "notes": dg.Out(dict)},
        retry_policy=dg.RetryPolicy(max_retries=TRIES_AGAIN),
        description="Reckon what is the same for all members, and name the shards.",
    )
    def plan(context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]) -> Iterator[Any]:
        night = platform.night(context.partition_key)
        with _tried_once():
            notes = dict(prepare(platform, night))
        yield dg.Output(notes, output_name="notes")
        for shard in shards_in(platform.shards(night)):
            key = shard.name.replace("-", "_")
            yield dg.DynamicOutput(shard.name, mapping_key=key, output_name="shards")

    @dg.op(
        name=f"{name}_of_shard",
        out=dg.Out(str),
        retry_policy=dg.RetryPolicy(max_retries=TRIES_AGAIN),
        tags={"hemsil/shard": name},
        description="Make the part of one shard of the members.",
    )
    def of_shard(
        context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform], shard: str, notes: dict[str, str]
    ) -> str:
        with _tried_once():
            write(platform, platform.night(context.partition_key), Shard.named(shard), notes)
        return shard

    @dg.op(
        name=f"{name}_together",
        out={out: dg.Out(io_manager_key="lake", is_required=True) for out in outs},
        description="Put the table together from the parts of all shards.",
    )
    def together(
        context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform], shards: list[str], notes: dict[str, str]
    ) -> Iterator[Any]:
        if settle:
            notes = dict(settle(platform, platform.night(context.partition_key), notes))
        of = Shard.named(shards[0]).of
        counts = parts(of) if parts else dict.fromkeys(outs, of)
        why = {"why": notes["why"]} if "why" in notes else {}
        kept = {key: value for key, value in notes.items() if key != "why"}
        for out in outs:
            yield dg.Output(Parts(counts[out]), output_name=out, metadata={"notes": {"shards": str(of), **kept}, **why})

    def compose(**after: Any) -> Any:
        planned = plan(list(after.values()))
        done = planned.shards.map(lambda shard: of_shard(shard, planned.notes)).collect()
        made = together(done, planned.notes)
        return {out: getattr(made, out) for out in outs} if parts else made

    compose.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(dep, inspect.Parameter.POSITIONAL_OR_KEYWORD) for dep in deps]
    )
    compose.__name__ = name
    return compose
