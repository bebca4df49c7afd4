"""A batch as it is handed over, published and stored, and which columns its rows have. No database here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from ml.tables import Table

KNOWN_OF_BATCH = ("batch_id", "business_date", "model_version", "policy_version")


@dataclass(frozen=True)
class Batch:
    """What is said of a night's work as a whole.

    fallback_step  A to E, see docs of marts.batches
    watermarks     source table → how far it reached, as ISO time
    fingerprint    digest of the inputs: the same inputs give the same
    model_age_days  days since the date that the model was trained for; None where none was used
    shown_hours     how long the batch may be shown after it was published; None for a night of the past, which has no end
    consents_until  how far the consents reach, UTC; None where the source cannot tell, or the night is of the past
    consents_hours  how long after that they are trusted
    accepted        why a person lets it pass the comparison with the nights before; "" where nobody does
    """

    business_date: date
    model_version: str
    policy_version: str
    fallback_step: str
    watermarks: Mapping[str, str | None]
    run_id: str
    fingerprint: str
    model_age_days: int | None = None
    shown_hours: float | None = None
    consents_until: datetime | None = None
    consents_hours: float = 24.0
    accepted: str = ""

    def id(self, number: int) -> str:
        return f"{self.business_date}-{number}"


SAID = pa.schema([("member_id", pa.string()), ("verdict", pa.string())])
SCOPES = pa.schema([(name, pa.string()) for name in ("offer_id", "scope", "scope_id", "lasts")])
SAME_PERSON = pa.schema([("member_id", pa.string()), ("other_id", pa.string())])


@dataclass(frozen=True)
class Beside:
    """What a batch brings besides its rows, for the gate and the views.

    said    SAID: who has consented since the night before ("consented"), and who has refused, ever ("refused")
    scopes  SCOPES: what a "not for me" would have to name to cover an offer, and for how long, as "365 days"
    same_person  SAME_PERSON: the other ids of members who have several
    """

    said: pa.Table = field(default_factory=SAID.empty_table)
    scopes: pa.Table = field(default_factory=SCOPES.empty_table)
    same_person: pa.Table = field(default_factory=SAME_PERSON.empty_table)


@dataclass(frozen=True)
class Publication:
    """What came of publishing. `state` is "published" or "already_published"; `reason` says it in words."""

    batch_id: str
    state: str
    is_current: bool
    reason: str
    offer_rows: int
    suppression_rows: int
    reask_rows: int


@dataclass(frozen=True)
class StoredBatch:
    """A row of marts.batches, with the fingerprint. `published_at` is UTC with its zone; None while staging."""

    batch_id: str
    business_date: date
    state: str
    is_current: bool
    published_at: datetime | None
    model_version: str
    policy_version: str
    fallback_step: str
    watermarks: dict[str, str | None]
    offer_rows: int
    suppression_rows: int
    reask_rows: int
    run_id: str
    model_age_days: int | None
    hidden_because: str | None
    shown_until: datetime | None
    fingerprint: str


def stored_batch(row: Mapping[str, Any]) -> StoredBatch:
    """The row as read, its time in UTC whatever the server's time zone is."""
    times = {name: row[name] and row[name].astimezone(UTC) for name in ("published_at", "shown_until")}
    return StoredBatch(**(dict(row) | times))


def columns_to_publish(table: Table) -> pa.Schema:
    """The columns a caller hands over for a published table: all but those that are known of the batch."""
    schema: pa.Schema = table.schema.to_pyarrow()
    return pa.schema([schema.field(name) for name in table.names if name not in KNOWN_OF_BATCH])
