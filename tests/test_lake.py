"""The lake: a table is there whole or not at all, and a changed byte is noticed."""

import datetime as dt
import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import ibis
import pyarrow as pa
import pytest

from ml.errors import ContractError, DamagedTable, NotInLake
from ml.source_tables import STORES
from ml.tables import Column, Table, Type
from resources.engine import open_engine
from resources.lake import Lake
from resources.settings import Settings

DAY = "2017-10-30"
PRICES = Table(
    "prices",
    "A price a product.",
    ("product_id",),
    (
        Column("product_id", Type.STRING, "The product."),
        Column("price", Type.MONEY, "Its price.", "club currency", nullable=True),
        Column("since", Type.TIME, "Since when.", nullable=True),
    ),
)


def prices(*rows: tuple[str, float | None]) -> ibis.Table:
    return ibis.memtable([{"product_id": p, "price": v, "since": dt.datetime(2017, 1, 1)} for p, v in rows])


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return Lake(settings.lake, open_engine(settings))


def test_what_was_written_is_read_back(lake: Lake) -> None:
    manifest = lake.write(PRICES, DAY, prices(("milk", 1.5), ("tea", None)), run_id="r1", inputs={"products": "abc"})
    assert manifest.rows == 2
    assert lake.read(PRICES, DAY).order_by("product_id").price.to_pandas().tolist()[0] == 1.5
    assert lake.manifest("prices", DAY).inputs == {"products": "abc"}
    assert lake.dates("prices") == [DAY]


def test_plain_duckdb_reads_it_without_us(lake: Lake) -> None:
    lake.write(PRICES, DAY, prices(("milk", 1.5)))
    assert duckdb.sql(f"select product_id, price from '{lake.root}/prices/*/*.parquet'").fetchall()[0][0] == "milk"


def test_writing_again_replaces_the_whole_table(lake: Lake) -> None:
    lake.write(PRICES, DAY, prices(("milk", 1.5), ("tea", 2.0)))
    lake.write(PRICES, DAY, prices(("salt", 0.5)))
    assert lake.read(PRICES, DAY).product_id.to_pandas().tolist() == ["salt"]
    assert [p.name for p in (lake.root / "prices").iterdir()] == [f"business_date={DAY}"]


def test_the_same_rows_have_the_same_digest_whenever_they_are_written(lake: Lake) -> None:
    first = lake.write(PRICES, DAY, prices(("milk", 1.5)), run_id="r1")
    second = lake.write(PRICES, "2017-10-31", prices(("milk", 1.5)), run_id="r2")
    assert first.digest == second.digest
    assert first.digest != lake.write(PRICES, DAY, prices(("milk", 1.6))).digest


def test_a_table_that_is_not_there_is_named(lake: Lake) -> None:
    with pytest.raises(NotInLake, match="no table prices of 2017-10-30"):
        lake.read(PRICES, DAY)


def test_without_its_manifest_a_table_does_not_exist(lake: Lake) -> None:
    lake.write(PRICES, DAY, prices(("milk", 1.5)))
    (lake.folder("prices", DAY) / "manifest.json").unlink()
    assert not lake.has("prices", DAY)
    with pytest.raises(NotInLake):
        lake.read(PRICES, DAY)


def test_one_changed_byte_is_noticed(lake: Lake, settings: Settings) -> None:
    lake.write(PRICES, DAY, prices(("milk", 1.5)))
    lake.read(PRICES, DAY)
    part = lake.folder("prices", DAY) / "part-0.parquet"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(content)
    with pytest.raises(DamagedTable, match="differs from its manifest"):
        lake.read(PRICES, DAY)


def test_a_missing_file_is_noticed(lake: Lake) -> None:
    lake.write(PRICES, DAY, prices(("milk", 1.5)))
    (lake.folder("prices", DAY) / "part-0.parquet").unlink()
    with pytest.raises(DamagedTable, match="is not there"):
        lake.read(PRICES, DAY)


def test_a_table_written_with_other_columns_is_refused_by_name(lake: Lake) -> None:
    lake.write(PRICES, DAY, prices(("milk", 1.5)))
    path = lake.folder("prices", DAY) / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["schema"]["price"] = "string"
    path.write_text(json.dumps(manifest))
    with pytest.raises(DamagedTable, match="other columns: price"):
        lake.read(PRICES, DAY)


def test_a_column_added_since_reads_as_null_at_its_place(lake: Lake) -> None:
    lake.write(PRICES, DAY, prices(("milk", 1.5)))
    unit = Column("unit", Type.STRING, "Of what.", nullable=True, added=True)
    now = replace(PRICES, columns=(PRICES.columns[0], unit, *PRICES.columns[1:]))
    for rows in (lake.read(now, DAY).to_pyarrow(), lake.read_batches(now, DAY).read_all()):
        assert rows.column_names == ["product_id", "unit", "price", "since"]
        assert rows.to_pylist()[0]["unit"] is None
        assert rows.to_pylist()[0]["product_id"] == "milk"


def test_every_wrong_column_is_named_in_one_error(lake: Lake) -> None:
    rows = ibis.memtable([{"product_id": "milk", "colour": "white", "since": dt.datetime(2017, 1, 1)}])
    with pytest.raises(ContractError, match=r"price is missing; colour is not in the definition"):
        lake.write(PRICES, DAY, rows)
    assert not lake.has("prices", DAY)


def test_a_null_where_none_may_be_writes_nothing(lake: Lake) -> None:
    rows = ibis.memtable([{"store_id": None}, {"store_id": "1"}]).mutate(
        store_id=ibis._.store_id.cast("string"),
        postcode=ibis.null("string"),
        latitude=ibis.null("float64"),
        longitude=ibis.null("float64"),
    )
    with pytest.raises(ContractError, match=r"null in store_id \(1 rows\)"):
        lake.write(STORES, DAY, rows)
    assert not lake.has("stores", DAY)
    assert list((lake.root / "stores").iterdir()) == []


def test_a_column_may_be_named_as_a_count_is(lake: Lake) -> None:
    table = Table("sizes", "Sizes.", ("rows",), (Column("rows", Type.INTEGER, "How many."),))
    assert lake.write(table, DAY, ibis.memtable([{"rows": 7}])).rows == 1


def test_batches_are_streamed_into_one_table(lake: Lake) -> None:
    schema = PRICES.schema.to_pyarrow()
    batches = (
        pa.record_batch(
            [[f"p{i}"], pa.array([1], pa.decimal128(18, 4)), pa.array([None], pa.timestamp("us"))], schema=schema
        )
        for i in range(3)
    )
    lake.write(PRICES, DAY, pa.RecordBatchReader.from_batches(schema, batches))
    assert sorted(lake.read(PRICES, DAY).product_id.to_pandas()) == ["p0", "p1", "p2"]


def _write_for_ever(home: Path, begun: "multiprocessing.synchronize.Event") -> None:
    settings = Settings(home=home, threads=1)
    lake = Lake(settings.lake, open_engine(settings))
    number = 0
    while True:
        number += 1
        rows = ibis.range(50_000).unnest().name("n").as_table()
        lake.write(
            PRICES,
            DAY,
            rows.select(
                product_id=ibis.literal(f"{number}-") + rows.n.cast("string"),
                price=ibis.literal(1).cast("decimal(18,4)"),
                since=ibis.null("timestamp(6)"),
            ),
        )
        begun.set()


def test_a_writer_that_is_killed_leaves_one_whole_table(home: Path) -> None:
    context = multiprocessing.get_context("spawn")
    for kill_after in (0.05, 0.11, 0.23):
        begun = context.Event()
        writer = context.Process(target=_write_for_ever, args=(home, begun))
        writer.start()
        assert begun.wait(60)
        time.sleep(kill_after)
        os.kill(int(writer.pid or 0), signal.SIGKILL)
        writer.join()
        settings = Settings(home=home, threads=1)
        lake = Lake(settings.lake, open_engine(settings))
        if not lake.has("prices", DAY):  # killed between the two renames: not there, and never half there
            continue
        table = lake.read(PRICES, DAY).to_pandas()
        assert len(table) == 50_000
        assert table.product_id.str.split("-").str[0].nunique() == 1
