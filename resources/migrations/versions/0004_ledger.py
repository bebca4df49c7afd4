"""What members say and what is sent: chained ledgers, claims of mailing tools, and who may do what."""

from alembic import op

revision = "0004"
down_revision = "0003"

# A ledger's row holds the hash of the row before it, so that nobody changes or removes one unseen. `bound` ties the row
# to its member: erasing the member drops the salt and the id, and the chain still holds.
CHAIN = """
CREATE FUNCTION live.content(entry jsonb) RETURNS bytea LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT convert_to((jsonb_strip_nulls(entry) - ARRAY['member_id', 'salt', 'hash'])::text, 'UTF8')
$$;

CREATE FUNCTION live.add_to_chain() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    last record;
BEGIN
    PERFORM pg_advisory_xact_lock(4865, 3);  -- one writer at a time, until its commit
    EXECUTE format('SELECT place, hash FROM live.%I ORDER BY place DESC LIMIT 1', TG_TABLE_NAME) INTO last;
    NEW.place := coalesce(last.place, 0) + 1;
    NEW.salt := uuid_send(gen_random_uuid());
    NEW.bound := sha256(NEW.salt || convert_to(NEW.member_id, 'UTF8'));
    NEW.hash := sha256(coalesce(last.hash, '') || live.content(to_jsonb(NEW)));
    RETURN NEW;
END $$;

-- The only change there is: a member erased, which leaves everything that the chain covers as it was.
CREATE OR REPLACE FUNCTION live.refuse_change() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.member_id = '(erased)' AND NEW.salt IS NULL AND NEW.hash = OLD.hash
           AND to_jsonb(NEW) - ARRAY['member_id', 'salt'] = to_jsonb(OLD) - ARRAY['member_id', 'salt'] THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'live.% is only added to: record another event instead', TG_TABLE_NAME;
END $$;
"""

LEDGERS = """
ALTER TABLE live.events DISABLE TRIGGER only_added_to;
CREATE TABLE live.feedback (
    event_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member_id   text NOT NULL CHECK (member_id <> ''),
    scope       text NOT NULL CHECK (scope IN ('offer', 'product', 'subcategory', 'category', 'department', 'brand')),
    scope_id    text NOT NULL CHECK (scope_id <> ''),
    verdict     text NOT NULL CHECK (verdict IN ('not_for_me', 'more_like_this')),
    stage       text NOT NULL CHECK (stage IN ('before', 'during', 'after')),
    recorded_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    source      text NOT NULL,
    written_by  text NOT NULL DEFAULT session_user
);
CREATE INDEX feedback_of_member ON live.feedback (member_id);

CREATE TABLE live.preferences (
    event_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member_id    text NOT NULL CHECK (member_id <> ''),
    channel      text NOT NULL CHECK (channel IN ('email', 'sms', 'push', 'post', 'phone', 'store', 'all')),
    wanted       boolean NOT NULL,
    max_per_week bigint CHECK (max_per_week > 0),  -- none at all is wanted = false
    recorded_at  timestamptz NOT NULL,
    received_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    source       text NOT NULL,
    written_by   text NOT NULL DEFAULT session_user
);
CREATE INDEX preferences_of_member ON live.preferences (member_id, channel);
"""

_EVERY_LEDGER = "\n".join(
    f"""
ALTER TABLE live.{ledger} ADD COLUMN place bigint, ADD COLUMN salt bytea, ADD COLUMN bound bytea, ADD COLUMN hash bytea;
DO $$ DECLARE entry record; before bytea := ''; at bigint := 0; BEGIN
    SET LOCAL timezone = 'UTC';
    FOR entry IN SELECT event_id FROM live.{ledger} ORDER BY event_id LOOP
        at := at + 1;
        UPDATE live.{ledger} SET place = at, salt = uuid_send(gen_random_uuid()) WHERE event_id = entry.event_id;
        UPDATE live.{ledger} SET bound = sha256(salt || convert_to(member_id, 'UTF8')) WHERE event_id = entry.event_id;
        UPDATE live.{ledger} e SET hash = sha256(before || live.content(to_jsonb(e))) WHERE event_id = entry.event_id
            RETURNING hash INTO before;
    END LOOP;
END $$;
ALTER TABLE live.{ledger} ALTER place SET NOT NULL, ALTER bound SET NOT NULL, ALTER hash SET NOT NULL;
CREATE UNIQUE INDEX {ledger}_in_order ON live.{ledger} (place);
CREATE TRIGGER chained BEFORE INSERT ON live.{ledger} FOR EACH ROW EXECUTE FUNCTION live.add_to_chain();
DROP TRIGGER IF EXISTS only_added_to ON live.{ledger};
CREATE TRIGGER only_added_to BEFORE UPDATE ON live.{ledger} FOR EACH ROW EXECUTE FUNCTION live.refuse_change();
CREATE TRIGGER never_removed BEFORE DELETE OR TRUNCATE ON live.{ledger} FOR EACH STATEMENT EXECUTE FUNCTION live.refuse_change();"""
    for ledger in ("events", "feedback", "preferences")
)

# The place of the first row that is not as it was written, or that is missing; null where all is well. `known` is a head
# that was noted earlier: it must still be there, else the end of the ledger was cut off.
CHECK = """
CREATE FUNCTION live.first_fault(ledger regclass, known_place bigint DEFAULT NULL, known_hash bytea DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    fault bigint;
    kept boolean;
BEGIN
    EXECUTE format($q$
        SELECT min(place) FROM (
            SELECT e.place, e.hash, lag(e.hash) OVER w AS before, coalesce(lag(e.place) OVER w, 0) AS at,
                   live.content(to_jsonb(e)) AS content, e.salt IS NULL OR e.bound = sha256(e.salt || convert_to(e.member_id, 'UTF8')) AS tied
            FROM %s e WINDOW w AS (ORDER BY e.place)) entries
        WHERE hash <> sha256(coalesce(before, '') || content) OR place <> at + 1 OR NOT tied $q$, ledger) INTO fault;
    IF fault IS NULL AND known_place > 0 THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE place = $1 AND hash = $2)', ledger)
            INTO kept USING known_place, known_hash;
        IF NOT kept THEN
            fault := known_place;
        END IF;
    END IF;
    RETURN fault;
END $$;
"""

FUNCTIONS = """
CREATE VIEW live.heads (name, last) AS
SELECT 'events', (SELECT jsonb_build_array(place, encode(hash, 'hex')) FROM live.events ORDER BY place DESC LIMIT 1)
UNION ALL SELECT 'feedback', (SELECT jsonb_build_array(place, encode(hash, 'hex')) FROM live.feedback ORDER BY place DESC LIMIT 1)
UNION ALL SELECT 'preferences', (SELECT jsonb_build_array(place, encode(hash, 'hex')) FROM live.preferences ORDER BY place DESC LIMIT 1);

CREATE FUNCTION marts.feedback(
    member text, scope text, scope_id text, verdict text DEFAULT 'not_for_me', source text DEFAULT session_user,
    stage text DEFAULT 'after', recorded_at timestamptz DEFAULT NULL
) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO live.feedback (member_id, scope, scope_id, verdict, source, stage, recorded_at)
    VALUES ($1, $2, $3, $4, $5, $6, least(clock_timestamp(), $7)) RETURNING event_id
$$;

CREATE FUNCTION marts.prefer(
    member text, channel text, wanted boolean DEFAULT true, max_per_week bigint DEFAULT NULL,
    source text DEFAULT session_user, recorded_at timestamptz DEFAULT NULL
) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO live.preferences (member_id, channel, wanted, max_per_week, source, recorded_at)
    VALUES ($1, $2, $3, $4, $5, least(clock_timestamp(), $6)) RETURNING event_id
$$;
"""

CLAIMS = """
CREATE TABLE live.claims (
    claim_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch       bigint NOT NULL,
    campaign_id text NOT NULL,
    channel     text NOT NULL,
    member_id   text NOT NULL,
    offer_id    text NOT NULL,   -- the best of the message
    claimed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    claimed_by  text NOT NULL DEFAULT session_user,
    sent_at     timestamptz,
    returned_at timestamptz,
    CHECK (sent_at IS NULL OR returned_at IS NULL)
);
CREATE UNIQUE INDEX one_claim ON live.claims (campaign_id, channel, member_id) WHERE returned_at IS NULL;
CREATE INDEX claims_of_member ON live.claims (member_id);

-- What stays of an erased member: HMAC-SHA256 of the id, by a key that is not in the database.
CREATE TABLE live.erased (
    digest    text PRIMARY KEY,
    reason    text NOT NULL,
    erased_on date NOT NULL DEFAULT current_date
);
"""

# A function, so that it can be run again: by later migrations, and by whoever makes the roles afterwards.
ROLES = """
CREATE OR REPLACE FUNCTION platform.grant_roles() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted text;
    thing record;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['hemsil_owner', 'hemsil_writer', 'hemsil_marketer', 'hemsil_web', 'hemsil_mailer'] LOOP
        BEGIN
            IF to_regrole(wanted) IS NULL THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of the server made it just now
            WHEN insufficient_privilege THEN NULL;  -- database.migrate tells
        END;
    END LOOP;
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA marts, platform, live FROM PUBLIC;
    REVOKE ALL ON SCHEMA marts, platform, live FROM PUBLIC;
    -- An owner that nobody can log in as: what runs with its rights reaches these schemas and nothing else.
    IF current_setting('is_superuser') = 'on' AND to_regrole('hemsil_owner') IS NOT NULL THEN
        FOR thing IN
            SELECT format('ALTER SCHEMA %I OWNER TO hemsil_owner', nspname) AS change FROM pg_namespace
            WHERE nspname IN ('marts', 'platform', 'live') AND nspowner <> to_regrole('hemsil_owner')
            UNION ALL
            SELECT format('ALTER %s %s OWNER TO hemsil_owner', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.oid::regclass)
            FROM pg_class c WHERE relnamespace IN (to_regnamespace('marts'), to_regnamespace('platform'), to_regnamespace('live'))
              AND relkind IN ('r', 'v', 'S') AND relowner <> to_regrole('hemsil_owner')
              AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'i')
            UNION ALL
            SELECT format('ALTER FUNCTION %s OWNER TO hemsil_owner', p.oid::regprocedure)
            FROM pg_proc p WHERE pronamespace IN (to_regnamespace('marts'), to_regnamespace('platform'), to_regnamespace('live'))
              AND proowner <> to_regrole('hemsil_owner')
        LOOP
            EXECUTE thing.change;
        END LOOP;
    END IF;
    IF to_regrole('hemsil_writer') IS NOT NULL THEN
        GRANT USAGE ON SCHEMA marts, platform, live TO hemsil_writer;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA platform TO hemsil_writer;
        GRANT SELECT ON ALL TABLES IN SCHEMA marts, live TO hemsil_writer;
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA platform TO hemsil_writer;
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA marts, live TO hemsil_writer;
    END IF;
    IF to_regrole('hemsil_marketer') IS NOT NULL THEN
        GRANT USAGE ON SCHEMA marts TO hemsil_marketer;
        GRANT SELECT ON ALL TABLES IN SCHEMA marts TO hemsil_marketer;
    END IF;
    FOR thing IN
        SELECT p.oid::regprocedure AS called,
               CASE WHEN proname IN ('opt_out', 'opt_in', 'feedback', 'prefer') THEN 'hemsil_web' ELSE 'hemsil_mailer' END AS grantee
        FROM pg_proc p WHERE pronamespace = to_regnamespace('marts')
    LOOP
        IF to_regrole(thing.grantee) IS NOT NULL THEN
            EXECUTE format('GRANT USAGE ON SCHEMA marts TO %I', thing.grantee);
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %I', thing.called, thing.grantee);
        END IF;
    END LOOP;
END $$;
"""


def upgrade() -> None:
    for part in (CHAIN, LEDGERS, _EVERY_LEDGER, CHECK, FUNCTIONS, CLAIMS, ROLES):
        op.execute(part)
