"""What must be true of a batch before it may be shown: assertions in SQL, run inside the transaction that would show it,
and the decision whether it becomes current. Carrying the decision out is the work of marts.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from ml.errors import PublishRefused
from ml.reasons import Reason

NAMED_AT_MOST = 5

# The new rows have been counted but roughly: find them by the key, read them in the order they lie, and hash. Reading whole
# tables would cost more with every night that is kept, and the first reader of last night's rows has to write them again.
PLAIN_PLANS = (
    "enable_seqscan = off",
    "enable_nestloop = off",
    "enable_indexscan = off",
    "enable_indexonlyscan = off",
    "enable_sort = off",
    "work_mem = '256MB'",
    "max_parallel_workers_per_gather = 2",
    "parallel_setup_cost = 0",
    "parallel_tuple_cost = 0",
)


@dataclass(frozen=True)
class Rule:
    """`words` say what must not be there, `condition` finds it among a table's rows."""

    words: str
    condition: str


def _not_a_share(column: str) -> str:
    return f"{column} IS NOT NULL AND NOT {column} BETWEEN 0 AND 1"  # NaN and infinity lie outside


def _not_finite(column: str) -> str:
    return f"{column} IN ('NaN', 'Infinity', '-Infinity')"


ROW_RULES: dict[str, tuple[Rule, ...]] = {
    "offers": (
        Rule("offers in a slot below 1", "slot < 1"),
        Rule("offers whose relevance is not a number within 0..1", _not_a_share("relevance")),
        Rule("offers whose expected value is not a finite number", _not_finite("expected_value")),
        Rule("offers that end before they begin", "valid_from >= valid_until"),
    ),
    "suppressions": (
        Rule("suppressions whose relevance is not a number within 0..1", _not_a_share("relevance")),
        Rule("suppressions whose threshold is not a number within 0..1", _not_a_share("threshold")),
        Rule(
            "suppressions without a known reason code",
            "NOT (reason = ANY (reasons) AND reasons <@ CAST(:codes AS text[]))",
        ),
    ),
    "reasks": (Rule("questions whose priority is not a finite number", _not_finite("priority")),),
}

# What the key of a table keeps apart. The keys wait to be checked until the gate asks, so that it can count.
KEYS = {
    "offers": ("member_id, slot", "offers in a slot that the member has filled already"),
    "suppressions": ("campaign_id, member_id", "suppressions of a member and campaign that is suppressed already"),
    "reasks": ("member_id, fact", "questions about a fact that the member is asked about already"),
}

# A member may have several offers of a campaign, and has one suppression: its key says so.
BALANCE = """
SELECT campaign_id, coalesce(audience, 0), coalesce(offered, 0), coalesce(suppressed, 0)
FROM (SELECT campaign_id, audience FROM platform.campaigns WHERE batch = :batch) planned
FULL JOIN (
    SELECT campaign_id, count(*) AS offered
    FROM (SELECT campaign_id, member_id FROM platform.offers WHERE batch = :batch GROUP BY campaign_id, member_id) messages
    GROUP BY campaign_id
) sent USING (campaign_id)
FULL JOIN (
    SELECT campaign_id, count(*) AS suppressed FROM platform.suppressions WHERE batch = :batch GROUP BY campaign_id
) stopped USING (campaign_id)
WHERE audience IS DISTINCT FROM coalesce(offered, 0) + coalesce(suppressed, 0)
ORDER BY campaign_id
"""
TWICE = """
SELECT count(*) FROM platform.suppressions s WHERE s.batch = :batch AND EXISTS (
    SELECT FROM platform.offers o WHERE o.batch = :batch AND o.campaign_id = s.campaign_id AND o.member_id = s.member_id)
"""


def check_batch(connection: Connection, batch: int, handed_over: Mapping[str, int]) -> None:
    """Raise PublishRefused naming everything that is wrong with the batch, with counts; return when nothing is.

    handed_over  table of schema platform → rows that the caller gave
    """
    for setting in PLAIN_PLANS:
        connection.execute(sa.text(f"SET LOCAL {setting}"))
    faults = []
    for table, rows in handed_over.items():
        faults += _faulty_rows(connection, batch, table, rows)
        faults += _duplicates(connection, batch, table)
    faults += _unbalanced(connection, batch)
    if faults:
        raise PublishRefused("the batch is not published: " + "; ".join(faults))


def _faulty_rows(connection: Connection, batch: int, table: str, handed_over: int) -> list[str]:
    rules = ROW_RULES[table]
    counts = ", ".join(f"count(*) FILTER (WHERE {rule.condition})" for rule in rules)
    query = sa.text(f"SELECT count(*), {counts} FROM platform.{table} WHERE batch = :batch")
    values = {"batch": batch} | ({"codes": list(Reason)} if ":codes" in counts else {})
    found, *faulty = connection.execute(query, values).one()
    lost = [f"{table} has {found} rows of the {handed_over} handed over"] if found != handed_over else []
    return lost + [f"{rule.words}: {count}" for rule, count in zip(rules, faulty, strict=True) if count]


def _duplicates(connection: Connection, batch: int, table: str) -> list[str]:
    columns, words = KEYS[table]
    try:
        with connection.begin_nested():
            connection.execute(sa.text(f"SET CONSTRAINTS platform.{table}_pkey IMMEDIATE"))
    except IntegrityError:
        query = f"SELECT count(*) - count(DISTINCT ({columns})) FROM platform.{table} WHERE batch = :batch"
        return [f"{words}: {connection.scalar(sa.text(query), {'batch': batch})}"]
    return []


def _unbalanced(connection: Connection, batch: int) -> list[str]:
    rows = connection.execute(sa.text(BALANCE), {"batch": batch}).all()
    faults = [
        f"campaign {campaign}: audience {audience}, but {offered} offered + {suppressed} suppressed"
        for campaign, audience, offered, suppressed in rows
    ]
    if len(faults) > NAMED_AT_MOST:
        faults[NAMED_AT_MOST:] = [f"{len(faults) - NAMED_AT_MOST} more campaigns like these"]
    if twice := connection.scalar(sa.text(TWICE), {"batch": batch}):
        faults.append(f"members both offered and suppressed for the same campaign: {twice}")
    return faults


@dataclass(frozen=True)
class Standing:
    """A published batch as the decision sees it. `token` is its fencing token."""

    batch_id: str
    business_date: date
    token: int
    fingerprint: str


@dataclass(frozen=True)
class Decision:
    """What to do with a batch that is ready, and why, in words."""

    publish: bool
    make_current: bool
    reason: str


def decide(
    business_date: date,
    token: int,
    fingerprint: str,
    *,
    same_date: Standing | None,
    current: Standing | None,
    chosen_with: int,
    supersede: bool,
    make_current: bool,
) -> Decision:
    """Whether the batch is published, and whether it becomes the current one.

    same_date    the batch published for the date already
    current      the batch that the views show
    chosen_with  token of the person who last chose the current batch by hand; 0 when the calendar did

    Raises PublishRefused when something newer has happened since `token` was taken.
    """
    if same_date and not supersede:
        return Decision(False, make_current and same_date != current, _already(same_date, fingerprint))
    if same_date and token < same_date.token:
        raise PublishRefused(
            f"{business_date} was published by a newer run as {same_date.batch_id}"
            f" (token {same_date.token}; this run's is {token})"
        )
    if token < chosen_with:
        raise PublishRefused(
            f"the current batch was chosen by hand after this run began (token {chosen_with}; this run's is {token})"
        )
    words = f"published {business_date}" + (f", superseding {same_date.batch_id}" if same_date else "")
    if make_current or current is None or business_date >= current.business_date:
        return Decision(True, True, words)
    return Decision(True, False, f"{words}, as history: the current batch is for {current.business_date}")


def _already(there: Standing, fingerprint: str) -> str:
    words = f"{there.business_date} was published before as {there.batch_id}"
    if there.fingerprint == fingerprint:
        return f"{words} from the same inputs; nothing was replaced"
    return (
        f"{words} from other inputs (fingerprint {there.fingerprint[:12]} then, {fingerprint[:12]} now);"
        " nothing was replaced. Publish with supersede to replace it"
    )
