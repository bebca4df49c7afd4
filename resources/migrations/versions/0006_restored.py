"""A database that was restored from a backup shows nothing until it has heard again what members said since."""

from alembic import op

revision = "0006"
down_revision = "0005"

# A restored database has another oid than the one in which the pointer was moved. Null: moved before this was noted.
POINTER = """
ALTER TABLE platform.pointer ADD COLUMN database oid;

CREATE FUNCTION platform.this_database() RETURNS oid LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT oid FROM pg_database WHERE datname = current_database()
$$;

CREATE OR REPLACE VIEW platform.standing AS
SELECT b.batch, b.batch_id, b.business_date, b.valid_until,
       greatest(b.consents_until, CASE WHEN b.consents_until IS NOT NULL THEN (SELECT max(heard_until) FROM live.feeds) END)
           + b.consents_last AS consents_valid_until,
       CASE WHEN p.database <> (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
            THEN 'the database was restored, and has not yet heard again what members said since'
            WHEN clock_timestamp() >= b.valid_until
            THEN 'the batch of ' || b.business_date || ' is too old to be sent'
            WHEN clock_timestamp() >= greatest(b.consents_until, CASE WHEN b.consents_until IS NOT NULL THEN (SELECT max(heard_until) FROM live.feeds) END) + b.consents_last
            THEN 'the consents were last heard of too long ago' END AS hidden_because
FROM platform.batches b JOIN platform.pointer p USING (batch);
"""

# Rows of a ledger's copy put back, each once, with the times at which they were said and heard; and how many were missing.
HEAR_AGAIN = """
CREATE FUNCTION live.hear_again(ledger text, entries jsonb) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    added bigint;
BEGIN
    IF ledger = 'events' THEN
        INSERT INTO live.events (member_id, kind, channel, recorded_at, received_at, source, written_by)
        SELECT g.member_id, g.kind, g.channel, g.recorded_at, g.received_at, g.source, g.written_by
        FROM jsonb_populate_recordset(NULL::live.events, entries) g
        WHERE NOT EXISTS (SELECT FROM live.events e WHERE e.member_id = g.member_id AND e.kind = g.kind
                          AND e.channel = g.channel AND e.recorded_at = g.recorded_at) ORDER BY g.place;
    ELSIF ledger = 'feedback' THEN
        INSERT INTO live.feedback (member_id, scope, scope_id, verdict, stage, recorded_at, received_at, source, written_by)
        SELECT g.member_id, g.scope, g.scope_id, g.verdict, g.stage, g.recorded_at, g.received_at, g.source, g.written_by
        FROM jsonb_populate_recordset(NULL::live.feedback, entries) g
        WHERE NOT EXISTS (SELECT FROM live.feedback e WHERE e.member_id = g.member_id AND e.scope = g.scope
                          AND e.scope_id = g.scope_id AND e.verdict = g.verdict AND e.recorded_at = g.recorded_at) ORDER BY g.place;
    ELSIF ledger = 'preferences' THEN
        INSERT INTO live.preferences (member_id, channel, wanted, max_per_week, recorded_at, received_at, source, written_by)
        SELECT g.member_id, g.channel, g.wanted, g.max_per_week, g.recorded_at, g.received_at, g.source, g.written_by
        FROM jsonb_populate_recordset(NULL::live.preferences, entries) g
        WHERE NOT EXISTS (SELECT FROM live.preferences e WHERE e.member_id = g.member_id AND e.channel = g.channel
                          AND e.wanted = g.wanted AND e.recorded_at = g.recorded_at) ORDER BY g.place;
    ELSIF ledger = 'claims' THEN
        INSERT INTO live.claims (claim_id, batch, campaign_id, channel, member_id, offer_id, claimed_at, claimed_by, sent_at)
        OVERRIDING SYSTEM VALUE
        SELECT g.claim_id, g.batch, g.campaign_id, g.channel, g.member_id, g.offer_id, g.claimed_at, g.claimed_by, g.sent_at
        FROM jsonb_populate_recordset(NULL::live.claims, entries) g WHERE g.returned_at IS NULL ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS added = ROW_COUNT;
        PERFORM setval(pg_get_serial_sequence('live.claims', 'claim_id'), greatest(1, (SELECT max(claim_id) FROM live.claims)));
        RETURN added;
    ELSIF ledger = 'erased' THEN
        INSERT INTO live.erased (digest, reason, erased_on) SELECT g.digest, g.reason, g.erased_on
        FROM jsonb_populate_recordset(NULL::live.erased, entries) g ON CONFLICT DO NOTHING;
    ELSE
        RAISE EXCEPTION 'there is no ledger %', ledger USING ERRCODE = 'invalid_parameter_value';
    END IF;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN added;
END $$;

-- Everything that was said since has been heard again: what the pointer chooses may be shown in this database.
CREATE FUNCTION platform.heard_again() RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE platform.pointer SET database = platform.this_database()
$$;
"""


def upgrade() -> None:
    for part in (POINTER, HEAR_AGAIN):
        op.execute(part)
    op.execute("SELECT platform.grant_roles()")
