"""Members who have several ids: what is said under one of them since the night stops the offers of the others, too."""

from alembic import op

revision = "0007"
down_revision = "0006"

PERSONS = """
CREATE TABLE platform.same_person (
    batch     bigint NOT NULL,
    member_id text NOT NULL,
    other_id  text NOT NULL,
    PRIMARY KEY (batch, member_id, other_id) DEFERRABLE INITIALLY DEFERRED
);

-- Stopped as one's other self: 1 OBJECTED, 2 CHANNEL_OPT_OUT. Only an opt-in of the id that opted out lifts it.
CREATE VIEW platform.stopped_elsewhere AS
SELECT p.batch, p.member_id, k.channel,
       min(CASE WHEN a.out_at >= coalesce(greatest(a.in_at, c.in_at), '-infinity') THEN 1 ELSE 2 END) AS stopped,
       max(greatest(a.out_at, c.out_at)) AS stopped_at
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
       least(CASE WHEN a.out_at >= coalesce(greatest(a.in_at, c.in_at), '-infinity') THEN 1
                  WHEN c.out_at >= coalesce(greatest(a.in_at, c.in_at), '-infinity') THEN 2
                  WHEN r.refused_at IS NOT NULL THEN 3 END, e.stopped) AS stopped,
       greatest(a.out_at, c.out_at, r.refused_at, e.stopped_at) AS stopped_at
FROM platform.offers o
JOIN platform.batches b ON b.batch = o.batch AND b.state = 'published'
LEFT JOIN live.stances a ON a.member_id = o.member_id AND a.channel = 'all'
LEFT JOIN live.stances c ON c.member_id = o.member_id AND c.channel = o.channel
LEFT JOIN platform.refused r ON r.batch = o.batch AND r.member_id = o.member_id AND r.offer_id = o.offer_id
LEFT JOIN platform.stopped_elsewhere e ON e.batch = o.batch AND e.member_id = o.member_id AND e.channel = o.channel;

-- A member whose every offer of a campaign is stopped has moved from its offers to its suppressions.
CREATE OR REPLACE VIEW platform.suppressions_now AS
SELECT s.batch, b.batch_id, b.business_date, s.campaign_id, s.member_id, s.reason, s.detail, s.reasons, s.relevance,
       s.threshold, s.would_pass_if, s.until, b.model_version, b.policy_version
FROM platform.suppressions s
JOIN platform.batches b ON b.batch = s.batch AND b.state = 'published'
UNION ALL
SELECT batch, batch_id, business_date, campaign_id, member_id, codes.names[min(stopped)],
       codes.words[min(stopped)] || to_char(max(stopped_at) AT TIME ZONE 'UTC', '" at "YYYY-MM-DD HH24:MI" UTC."'),
       array_agg(DISTINCT codes.names[stopped] ORDER BY codes.names[stopped] DESC), NULL, NULL, NULL, NULL,
       model_version, policy_version
FROM platform.offers_now, (VALUES (ARRAY['OBJECTED', 'CHANNEL_OPT_OUT', 'NOT_FOR_ME'],
     ARRAY['Objected to direct marketing', 'Opted out of this channel', 'Said that it is not for them'])) codes (names, words)
WHERE member_id IN (SELECT member_id FROM live.events WHERE kind = 'opt_out' UNION ALL SELECT member_id FROM live.feedback
                    UNION ALL SELECT member_id FROM platform.stopped_elsewhere)
GROUP BY batch, batch_id, business_date, campaign_id, member_id, model_version, policy_version, codes.names, codes.words
HAVING bool_and(stopped IS NOT NULL);

CREATE OR REPLACE VIEW marts.reask_list AS
SELECT r.member_id, r.fact, r.last_value, r.declared_at, r.expired_on, r.question, r.priority
FROM platform.reasks r
LEFT JOIN live.stances a ON a.member_id = r.member_id AND a.channel = 'all'
WHERE r.batch = (SELECT batch FROM platform.shown) AND (a.out_at IS NULL OR a.out_at < a.in_at)
  AND NOT EXISTS (SELECT FROM platform.stopped_elsewhere e WHERE e.batch = r.batch AND e.member_id = r.member_id AND e.stopped = 1);
"""

# Said in place, as the writer may not run functions of this schema.
UNUSED = "DROP FUNCTION platform.heard_again(), platform.this_database()"


def upgrade() -> None:
    for part in (PERSONS, UNUSED):
        op.execute(part)
    op.execute("SELECT platform.grant_roles()")
