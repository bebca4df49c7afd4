"""The day heeds a member's word as the night does: for the same classes of messages, and of a thing however it is written."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

# Missing in rows that were published before: those are hidden as every class was until now.
COLUMN = "ALTER TABLE platform.offers ADD COLUMN message_class text"

# E'\v' is the letter v in PostgreSQL 15, and was taken off the ids that begin or end with it.
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
    NEW.member_id := btrim(NEW.member_id, E' \\t\\n\\r\\f\\x0B');
    NEW.recorded_at := least(greatest(NEW.recorded_at, '1880-01-02'), '9999-12-30');
    NEW.place := coalesce(last.place, 0) + 1;
    NEW.salt := uuid_send(gen_random_uuid());
    NEW.bound := sha256(NEW.salt || convert_to(NEW.member_id, 'UTF8'));
    NEW.hash := sha256(coalesce(last.hash, '') || live.content(to_jsonb(NEW)));
    RETURN NEW;
END $$;
"""

# What a word is said of, as ml/thing_names.py compares it: ids but for blanks around them, groups in any letters of case.
_THING = """CASE WHEN {of}.scope IN ('offer', 'product') THEN btrim({of}.scope_id, E' \\t\\n\\r\\f\\x0B')
            ELSE lower(btrim({of}.scope_id, E' \\t\\n\\r\\f\\x0B'){collated}) END"""

REFUSED = """
CREATE OR REPLACE VIEW platform.refused AS
SELECT s.batch, f.member_id, s.offer_id, max(f.recorded_at) AS refused_at
FROM (SELECT member_id, scope, thing,
             max(recorded_at) FILTER (WHERE verdict = 'not_for_me') AS recorded_at,
             max(recorded_at) FILTER (WHERE verdict = 'more_like_this') AS lifted_at
      FROM (SELECT w.member_id, w.scope, {said} AS thing, w.verdict, w.recorded_at
            FROM live.feedback w WHERE w.member_id <> '(erased)') words
      GROUP BY member_id, scope, thing) f
JOIN platform.scopes s ON s.scope = f.scope AND {covered} = f.thing AND f.recorded_at + s.lasts > now()
WHERE f.lifted_at IS NULL OR f.lifted_at <= f.recorded_at
GROUP BY s.batch, f.member_id, s.offer_id;
"""

# A service message is stopped by the no to its channel alone: by no objection to marketing, and by no "not for me".
NOW = """
CREATE OR REPLACE VIEW platform.stopped_elsewhere AS
SELECT p.batch, p.member_id, k.channel,
       min(CASE WHEN a.out_at >= coalesce(greatest(a.in_at, c.in_at), '-infinity') THEN 1 ELSE 2 END) AS stopped,
       max(greatest(a.out_at, c.out_at)) AS stopped_at,
       max(c.out_at) FILTER (WHERE c.out_at >= coalesce(greatest(a.in_at, c.in_at), '-infinity')) AS channel_out_at
FROM platform.same_person p
CROSS JOIN (VALUES ('email'), ('sms'), ('push'), ('post'), ('phone'), ('store')) k (channel)
LEFT JOIN live.stances a ON a.member_id = p.other_id AND a.channel = 'all'
LEFT JOIN live.stances c ON c.member_id = p.other_id AND c.channel = k.channel
WHERE a.out_at >= coalesce(greatest(a.in_at, c.in_at), '-infinity') OR c.out_at >= coalesce(greatest(a.in_at, c.in_at), '-infinity')
GROUP BY p.batch, p.member_id, k.channel;

CREATE OR REPLACE VIEW platform.offers_now AS
SELECT o.batch, b.batch_id, b.business_date, o.member_id, o.slot, o.campaign_id, o.offer_id, o.channel, o.relevance,
       o.expected_value, o.reason, o.evidence, o.merge_fields, o.valid_from, o.valid_until,
       b.model_version, b.policy_version,
       CASE WHEN o.message_class = 'service'
            THEN CASE WHEN c.out_at >= coalesce(greatest(a.in_at, c.in_at), '-infinity') OR e.channel_out_at IS NOT NULL THEN 2 END
            ELSE least(CASE WHEN a.out_at >= coalesce(greatest(a.in_at, c.in_at), '-infinity') THEN 1
                            WHEN c.out_at >= coalesce(greatest(a.in_at, c.in_at), '-infinity') THEN 2
                            WHEN r.refused_at IS NOT NULL THEN 3 END, e.stopped) END AS stopped,
       CASE WHEN o.message_class = 'service' THEN greatest(c.out_at, e.channel_out_at)
            ELSE greatest(a.out_at, c.out_at, r.refused_at, e.stopped_at) END AS stopped_at,
       o.message_class
FROM platform.offers o
JOIN platform.batches b ON b.batch = o.batch AND b.state = 'published'
LEFT JOIN live.stances a ON a.member_id = o.member_id AND a.channel = 'all'
LEFT JOIN live.stances c ON c.member_id = o.member_id AND c.channel = o.channel
LEFT JOIN platform.refused r ON r.batch = o.batch AND r.member_id = o.member_id AND r.offer_id = o.offer_id
LEFT JOIN platform.stopped_elsewhere e ON e.batch = o.batch AND e.member_id = o.member_id AND e.channel = o.channel;
"""

_OFFER_COLUMNS = """batch_id, business_date, member_id, slot, campaign_id, offer_id, channel, relevance, expected_value,
       reason, evidence, merge_fields, valid_from, valid_until, message_class"""

# A view that is replaced forgets its options.
VIEWS = f"""
CREATE OR REPLACE VIEW marts.offer_history WITH (security_barrier = true) AS
SELECT {_OFFER_COLUMNS} FROM platform.offers_now WHERE stopped IS NULL;

CREATE OR REPLACE VIEW marts.offer_table WITH (security_barrier = true) AS
SELECT {_OFFER_COLUMNS} FROM platform.offers_now WHERE stopped IS NULL AND batch = (SELECT batch FROM platform.shown);
"""


def collation() -> str:
    """What to add to a text so that lower() knows all letters; nothing where it does without, or where there is no such collation."""
    found = op.get_bind().scalar(
        sa.text(
            "SELECT collname FROM pg_collation WHERE collname IN ('pg_c_utf8', 'und-x-icu') AND lower('Æ') <> 'æ'"
            " AND collencoding IN (-1, pg_char_to_encoding(getdatabaseencoding())) ORDER BY collname LIMIT 1"
        )
    )
    return f' COLLATE pg_catalog."{found}"' if found else ""


def upgrade() -> None:
    said, covered = (_THING.format(of=of, collated=collation()) for of in ("w", "s"))
    for part in (COLUMN, CHAIN, REFUSED.format(said=said, covered=covered), NOW, VIEWS):
        op.execute(part)
    op.execute("SELECT platform.grant_roles()")
