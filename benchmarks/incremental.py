"""What it saves to carry habits on from night to night instead of making them anew of a year of purchases: each night adds the
day's lines to running sums and takes out what leaves the windows. Measured beside the rebuild, in one run, on an invented year.

    python -m benchmarks.incremental --members 20000

The night does not do this yet; docs/adr/0020 says what stands in the way.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from ml.exact import on_the_grid
from ml.history import HALF_LIFE, LEVELS, QUARTER, RECENT, visits

KEY = ("level", "member_id", "value")
SUMS = ("n", "n_28", "n_91", "spend_91", "spend", "discount", "quantity", "coupons", "strength", "coupon_strength")
LAST = datetime(2024, 3, 15, 23)  # the instant of the last night
BASE_DAYS = 7  # nights since the sums were last made anew
FINE = 2**8  # of the strength's grid beside the sums': it is divided by up to 2^8 within a year


def invented_year(con: Backend, members: int) -> tuple[ir.Table, ir.Table]:
    """(lines, products): 110 lines a member in 28 receipts, each member buying of sixty products of their own."""
    con.raw_sql(
        """CREATE TABLE products AS SELECT 'p' || i AS product_id, 'c' || (i % 40) AS category,
        'c' || (i % 40) || ' / s' || (i % 200) AS subcategory, 'b' || (hash(i) % 120) AS brand,
        'b' || (hash(i) % 120) || ' / s' || (i % 200) AS brand_subcategory FROM range(3000) t(i)"""
    )
    receipts = members * 110 // 4
    con.raw_sql(
        f"""CREATE TABLE lines AS
        WITH drawn AS (SELECT i, hash(i // 4 * 31 + 7) % {members} AS m, hash(i * 7 + 1) AS a, hash(i * 13 + 5) AS b
                       FROM range({receipts * 4}) t(i))
        SELECT 't' || (i // 4) AS transaction_id, (i % 4)::BIGINT AS line_no, 'm' || m AS member_id,
        'p' || (hash(m * 1000 + a % 60) % 3000) AS product_id, 1.0::DOUBLE AS quantity, (b % 20000 / 100)::DOUBLE AS amount,
        ((b >> 10) % 500 / 100)::DOUBLE AS discount, CASE WHEN b % 10 = 0 THEN 1.0 ELSE 0.0 END::DOUBLE AS coupon,
        TIMESTAMP '{LAST - timedelta(days=366)}' + to_seconds((i // 4 * (366 * 86400.0 / {receipts}))::BIGINT) AS occurred_at
        FROM drawn ORDER BY i"""
    )
    return con.table("lines"), con.table("products")


def running(lines: ir.Table, products: ir.Table, as_of: datetime, asked: ir.Table | None = None) -> ir.Table:
    """`SUMS`, first_at and last_at of every member and group, as whole numbers that may be added in any order. A purchase's
    strength is reckoned from the year's beginning, so that it is the same on every night of the year."""
    bought = lines.inner_join(products, "product_id")
    parts = []
    for level in LEVELS:
        part = visits(bought, level).mutate(level=ibis.literal(level))
        parts.append(part)
    v = ibis.union(*parts)
    if asked is not None:
        v = v.semi_join(asked, ["level", "value"])
    age = (ibis.literal(datetime(as_of.year, 1, 1)).epoch_seconds() - v.occurred_at.epoch_seconds()) / 86400.0
    strength = on_the_grid((age * (-0.6931471805599453 / HALF_LIFE)).exp() * float(FINE))
    recent, quarter = (v.occurred_at >= ibis.literal(as_of - timedelta(days=d)) for d in (RECENT, QUARTER))
    used = v.coupon > 0
    return v.group_by(*KEY).aggregate(
        n=v.count(), n_28=recent.sum(), n_91=quarter.sum(),
        spend_91=on_the_grid(v.amount).sum(where=quarter).fill_null(0), spend=on_the_grid(v.amount).sum(),
        discount=on_the_grid(v.discount).sum(), quantity=on_the_grid(v.quantity).sum(), coupons=used.sum(),
        strength=strength.sum(), coupon_strength=strength.sum(where=used).fill_null(0),
        first_at=v.occurred_at.min(), last_at=v.occurred_at.max(),
    )  # fmt: skip


def change(lines: ir.Table, products: ir.Table, since: datetime, as_of: datetime) -> ir.Table:
    """What the night adds to the running sums of the night before: the lines since then, and from the windows those that
    have grown too old for them."""
    nothing = {name: ibis.literal(0, "int64") for name in SUMS}
    unseen = {name: ibis.null("timestamp") for name in ("first_at", "last_at")}
    rows = [running(between(lines, since, as_of), products, as_of)]
    for days, leaving in ((RECENT, ("n_28",)), (QUARTER, ("n_91", "spend_91"))):
        step = timedelta(days=days)
        old = running(between(lines, since - step, as_of - step), products, as_of)
        whole = {"n_28": old.n, "n_91": old.n, "spend_91": old.spend}
        rows.append(old.select(*KEY, **(nothing | {name: -whole[name] for name in leaving}), **unseen))
    columns = rows[0].columns
    return added([row.select(*columns).cast(rows[0].schema()) for row in rows])


def added(tables: Sequence[ir.Table]) -> ir.Table:
    t = ibis.union(*tables) if len(tables) > 1 else tables[0]
    sums = {name: t[name].sum() for name in SUMS}
    return t.group_by(*KEY).aggregate(**sums, first_at=t.first_at.min(), last_at=t.last_at.max())


def carried(base: ir.Table, changes: ir.Table, asked: ir.Table) -> ir.Table:
    """Tonight's sums of the groups asked about: of what has changed since the base, base and changes added; else the base."""
    base, changes = (t.semi_join(asked, ["level", "value"]) for t in (base, changes))
    still = base.anti_join(changes, list(KEY))
    moved = added([base.semi_join(changes, list(KEY)), changes.select(*base.columns)])
    return ibis.union(still, moved.select(*base.columns))


def between(lines: ir.Table, since: datetime, until: datetime) -> ir.Table:
    return lines.filter((lines.occurred_at >= ibis.literal(since)) & (lines.occurred_at < ibis.literal(until)))


def digests(lines: ir.Table) -> ir.Table:
    """(day, n, digest) of every day: one that differs from last night's has a late or a corrected row in it."""
    told = ibis.struct({name: lines[name] for name in sorted(lines.columns)}).hash().cast("decimal(38, 0)")
    return lines.group_by(day=lines.occurred_at.date()).aggregate(n=lines.count(), digest=told.sum())


def timed(con: Backend, name: str, rows: ir.Table) -> tuple[float, float]:
    """(CPU seconds, seconds) to compute the rows into a table of that name."""
    con.raw_sql(f"DROP TABLE IF EXISTS {name}")
    cpu, wall = time.process_time(), time.perf_counter()
    narrow = ", ".join(
        f"{c}::BIGINT AS {c}" for c in SUMS if c in rows.columns
    )  # DuckDB's sums are wider than their parts
    replaced = f" REPLACE ({narrow})" if narrow else ""
    con.raw_sql(f"CREATE TABLE {name} AS SELECT *{replaced} FROM ({con.compile(rows)})")
    return time.process_time() - cpu, time.perf_counter() - wall


def differing(con: Backend, one: str, other: str) -> int:
    columns = ", ".join((*KEY, *SUMS, "first_at", "last_at"))
    query = f"SELECT (SELECT count(*) FROM (SELECT {columns} FROM {one} EXCEPT SELECT {columns} FROM {other})) + (SELECT count(*) FROM (SELECT {columns} FROM {other} EXCEPT SELECT {columns} FROM {one}))"
    return int(con.con.execute(query).fetchone()[0])


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--members", type=int, default=20_000)
    members = told.parse_args().members
    with tempfile.TemporaryDirectory() as folder:
        con = ibis.duckdb.connect(threads=2, memory_limit="4GB", temp_directory=str(Path(folder)))
        con.raw_sql("SET enable_progress_bar = false")
        measure(con, members, print)


def measure(con: Backend, members: int, say: Callable[[str], object]) -> None:
    lines, products = invented_year(con, members)
    before, start = LAST - timedelta(days=1), LAST - timedelta(days=BASE_DAYS)
    con.raw_sql("CREATE TABLE asked AS SELECT 'category' AS level, category AS value FROM products GROUP BY ALL")
    for level in LEVELS:
        if level != "category":
            con.raw_sql(
                f"INSERT INTO asked SELECT '{level}', {level} FROM products WHERE hash(product_id) % 3 = 0 GROUP BY ALL"
            )
    asked = con.table("asked")
    timed(con, "base", running(between(lines, datetime.min, start), products, start))
    timed(con, "earlier", change(lines, products, start, before))
    timed(con, "yesterday", digests(between(lines, datetime.min, before)))
    known = between(lines, datetime.min, LAST)
    full = timed(con, "rebuilt", running(known, products, LAST, asked))
    steps = {
        "looking for late and corrected rows": timed(con, "today", digests(known)),
        "the day's change": timed(con, "tonight", change(lines, products, before, LAST)),
    }
    con.raw_sql("CREATE TABLE changes AS SELECT * FROM earlier UNION ALL BY NAME SELECT * FROM tonight")
    changes = added([con.table("changes")])
    steps["tonight's habits from base and changes"] = timed(con, "kept", carried(con.table("base"), changes, asked))
    say(
        f"{members:,} members, {con.table('lines').count().to_pyarrow().as_py():,} lines of a year, sums made anew {BASE_DAYS} nights ago"
    )
    say(f"{'rebuilt':<42}{full[0]:8.2f} s of CPU {full[1]:8.2f} s")
    for name, (cpu, wall) in steps.items():
        say(f"{name:<42}{cpu:8.2f} s of CPU {wall:8.2f} s")
    cpu, wall = (sum(step[at] for step in steps.values()) for at in (0, 1))
    say(f"carried on is {full[0] / cpu:.1f} times cheaper in CPU, {full[1] / wall:.1f} times in time")
    say(f"rows that differ from the rebuild: {differing(con, 'rebuilt', 'kept')}")


if __name__ == "__main__":
    main()
