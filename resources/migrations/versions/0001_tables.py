"""Batches and the rows they published, and the live ledger. The views on them are in 0002.

Every published row hangs on a batch, and the batch's number stands first in every key, so that the tables can be
partitioned by it. One row, `platform.pointer`, says which batch is current: publishing is moving it.
"""

from alembic import op

revision = "0001"
down_revision = None

BATCHES = """
CREATE SCHEMA marts;
CREATE SCHEMA live;
CREATE SEQUENCE platform.tokens;  -- batch numbers and fencing tokens: later is larger

CREATE TABLE platform.batches (
    batch            bigint PRIMARY KEY,
    batch_id         text NOT NULL UNIQUE,
    business_date    date NOT NULL,
    state            text NOT NULL CHECK (state IN ('staging', 'published', 'superseded')),
    token            bigint NOT NULL,           -- whose token is older than the published batch's may not replace it
    fingerprint      text NOT NULL,             -- digest of the inputs
    started_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    published_at     timestamptz,
    valid_until      timestamptz,               -- when the batch as a whole grows too old to be shown
    model_version    text NOT NULL,
    policy_version   text NOT NULL,
    fallback_step    text NOT NULL CHECK (fallback_step IN ('A', 'B', 'C', 'D', 'E')),
    watermarks       jsonb NOT NULL,
    offer_rows       bigint NOT NULL DEFAULT 0,
    suppression_rows bigint NOT NULL DEFAULT 0,
    reask_rows       bigint NOT NULL DEFAULT 0,
    run_id           text NOT NULL
);
CREATE UNIQUE INDEX one_batch_a_date ON platform.batches (business_date) WHERE state = 'published';

CREATE TABLE platform.pointer (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    batch    bigint NOT NULL REFERENCES platform.batches,
    token    bigint NOT NULL,  -- of the last time a person chose the batch; 0: the calendar did
    moved_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""

# Keys are deferrable so that COPY takes duplicates in, and the gate can count them and refuse in words.
ROWS = """
CREATE TABLE platform.campaigns (
    batch       bigint NOT NULL,
    campaign_id text NOT NULL,
    audience    bigint NOT NULL CHECK (audience >= 0),
    PRIMARY KEY (batch, campaign_id) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE platform.offers (
    batch          bigint NOT NULL,
    member_id      text NOT NULL,
    slot           bigint NOT NULL,
    campaign_id    text NOT NULL,
    offer_id       text NOT NULL,
    channel        text NOT NULL,
    relevance      double precision,
    expected_value double precision,
    reason         text NOT NULL,
    evidence       jsonb NOT NULL,
    merge_fields   jsonb NOT NULL,
    valid_from     timestamptz NOT NULL,
    valid_until    timestamptz NOT NULL,
    PRIMARY KEY (batch, member_id, slot) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE platform.suppressions (
    batch         bigint NOT NULL,
    campaign_id   text NOT NULL,
    member_id     text NOT NULL,
    reason        text NOT NULL,
    detail        text NOT NULL,
    reasons       text[] NOT NULL,
    relevance     double precision,
    threshold     double precision,
    would_pass_if text,
    until         date,
    PRIMARY KEY (batch, campaign_id, member_id) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE platform.reasks (
    batch       bigint NOT NULL,
    member_id   text NOT NULL,
    fact        text NOT NULL,
    last_value  text NOT NULL,
    declared_at timestamptz NOT NULL,
    expired_on  date NOT NULL,
    question    text NOT NULL,
    priority    double precision NOT NULL,
    PRIMARY KEY (batch, member_id, fact) DEFERRABLE INITIALLY DEFERRED
);
"""

LEDGER = """
CREATE TABLE live.events (
    event_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member_id   text NOT NULL CHECK (member_id <> ''),
    kind        text NOT NULL CHECK (kind IN ('opt_out', 'opt_in')),
    channel     text NOT NULL CHECK (channel IN ('email', 'sms', 'push', 'post', 'phone', 'store', 'all')),
    recorded_at timestamptz NOT NULL,                             -- when the member said it
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),   -- when we heard it
    source      text NOT NULL,
    written_by  text NOT NULL DEFAULT session_user
);
CREATE INDEX events_of_member ON live.events (member_id, channel);

CREATE FUNCTION live.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'live.events is only added to: record another event instead';
END $$;
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON live.events
    FOR EACH STATEMENT EXECUTE FUNCTION live.refuse_change();

-- Where a member stands on a channel, or on all of them. Only the latest moments count, so the order in which events
-- come in does not. A member is stopped when the last opt-out that covers the channel is not older than the last opt-in.
CREATE VIEW live.stances AS
SELECT member_id, channel,
       max(recorded_at) FILTER (WHERE kind = 'opt_out') AS out_at,
       max(recorded_at) FILTER (WHERE kind = 'opt_in')  AS in_at
FROM live.events GROUP BY member_id, channel;

-- An opt-out is dated after everything heard of the member before, so that a clock set back cannot undo it; an opt-in
-- from the future counts from now.
CREATE FUNCTION marts.opt_out(
    member text, channel text DEFAULT 'all', source text DEFAULT session_user, recorded_at timestamptz DEFAULT NULL
) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
    INSERT INTO live.events (member_id, kind, channel, recorded_at, source)
    SELECT $1, 'opt_out', $2, coalesce($4, greatest(clock_timestamp(), max(e.recorded_at))), $3
    FROM live.events e WHERE e.member_id = $1
    RETURNING event_id
$$;

CREATE FUNCTION marts.opt_in(
    member text, channel text DEFAULT 'all', source text DEFAULT session_user, recorded_at timestamptz DEFAULT NULL
) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO live.events (member_id, kind, channel, recorded_at, source)
    VALUES ($1, 'opt_in', $2, least(clock_timestamp(), $4), $3)
    RETURNING event_id
$$;
"""


def upgrade() -> None:
    for part in (BATCHES, ROWS, LEDGER):
        op.execute(part)
