"""Found by attacking the database with every role: what a reader, a mailing tool or a web page could still make of it."""

from alembic import op

revision = "0009"
down_revision = "0008"

# Without this a reader's own function in WHERE would be asked before the view has taken out who is stopped, and could tell.
VIEWS = "\n".join(
    f"ALTER VIEW marts.{view} SET (security_barrier = true);"
    for view in (
        "offer_table",
        "offer_history",
        "suppression_list",
        "suppression_history",
        "reask_list",
        "campaign_summary",
        "batches",
    )
)

# Above `read committed` a transaction sees the opt-outs of its own beginning.
CLAIMS = """
CREATE FUNCTION live.refuse_old_snapshot() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'claim at isolation level read committed: at % a transaction does not see who has opted out since it began',
            current_setting('transaction_isolation') USING ERRCODE = 'invalid_transaction_state';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER by_todays_consents BEFORE INSERT ON live.claims
    FOR EACH STATEMENT EXECUTE FUNCTION live.refuse_old_snapshot();
"""

# One writer at a time, so a page that hangs after its opt-out would keep everybody's waiting: it is sent away, and what it had
# not committed was not said to be done. Ids are those of the club's tables, which come in without spaces around them. A time
# that no calendar of ours can tell is the nearest that can: the night sets it aside and mails nobody of whom it is in doubt.
CHAIN = """
CREATE OR REPLACE FUNCTION live.add_to_chain() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    last record;
BEGIN
    IF current_setting('idle_in_transaction_session_timeout') IN ('0', '0ms') THEN
        PERFORM set_config('idle_in_transaction_session_timeout', '60s', true);
    END IF;
    PERFORM pg_advisory_xact_lock(4865, 3);  -- one writer at a time, until its commit
    EXECUTE format('SELECT place, hash FROM live.%I ORDER BY place DESC LIMIT 1', TG_TABLE_NAME) INTO last;
    NEW.member_id := btrim(NEW.member_id, E' \\t\\n\\r\\f\\v');
    NEW.recorded_at := least(greatest(NEW.recorded_at, '1880-01-02'), '9999-12-30');
    NEW.place := coalesce(last.place, 0) + 1;
    NEW.salt := uuid_send(gen_random_uuid());
    NEW.bound := sha256(NEW.salt || convert_to(NEW.member_id, 'UTF8'));
    NEW.hash := sha256(coalesce(last.hash, '') || live.content(to_jsonb(NEW)));
    RETURN NEW;
END $$;
"""


def upgrade() -> None:
    for part in (VIEWS, CLAIMS, CHAIN):
        op.execute(part)
    op.execute("SELECT platform.grant_roles()")
