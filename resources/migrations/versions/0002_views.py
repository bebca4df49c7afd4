"""What is read: the views of schema marts, those behind them, and the roles that may read them."""

from alembic import op

revision = "0002"
down_revision = "0001"

# For every batch that stands; the views of marts choose among them. `stopped` is the reason a member gave since.
NOW = """
CREATE VIEW platform.offers_now AS
SELECT o.batch, b.batch_id, b.business_date, o.member_id, o.slot, o.campaign_id, o.offer_id, o.channel, o.relevance,
       o.expected_value, o.reason, o.evidence, o.merge_fields, o.valid_from, o.valid_until,
       b.model_version, b.policy_version,
       CASE WHEN a.out_at >= coalesce(greatest(a.in_at, c.in_at), '-infinity') THEN 'OBJECTED'
            WHEN c.out_at >= coalesce(greatest(a.in_at, c.in_at), '-infinity') THEN 'CHANNEL_OPT_OUT' END AS stopped,
       greatest(a.out_at, c.out_at) AS stopped_at
FROM platform.offers o
JOIN platform.batches b ON b.batch = o.batch AND b.state = 'published'
LEFT JOIN live.stances a ON a.member_id = o.member_id AND a.channel = 'all'
LEFT JOIN live.stances c ON c.member_id = o.member_id AND c.channel = o.channel;

-- A member whose every offer of a campaign is stopped has moved from its offers to its suppressions.
CREATE VIEW platform.suppressions_now AS
SELECT s.batch, b.batch_id, b.business_date, s.campaign_id, s.member_id, s.reason, s.detail, s.reasons, s.relevance,
       s.threshold, s.would_pass_if, s.until, b.model_version, b.policy_version
FROM platform.suppressions s
JOIN platform.batches b ON b.batch = s.batch AND b.state = 'published'
UNION ALL
SELECT batch, batch_id, business_date, campaign_id, member_id, max(stopped),  -- OBJECTED sorts after CHANNEL_OPT_OUT
       CASE max(stopped) WHEN 'OBJECTED' THEN 'Objected to direct marketing' ELSE 'Opted out of this channel' END
           || to_char(max(stopped_at) AT TIME ZONE 'UTC', '" at "YYYY-MM-DD HH24:MI" UTC."'),
       array_agg(DISTINCT stopped ORDER BY stopped DESC), NULL, NULL, NULL, NULL, model_version, policy_version
FROM platform.offers_now
WHERE member_id IN (SELECT member_id FROM live.events WHERE kind = 'opt_out')
GROUP BY batch, batch_id, business_date, campaign_id, member_id, model_version, policy_version
HAVING bool_and(stopped IS NOT NULL);

-- A member gets one message a campaign, however many offers are in it: its response is that of the best of them.
CREATE VIEW platform.summaries_now AS
SELECT k.batch, k.campaign_id, k.audience, coalesce(o.members, 0) AS to_send,
       coalesce(s.members, 0)::bigint AS suppressed, coalesce(s.by_reason, '{}') AS by_reason,
       CASE WHEN o.members IS NULL THEN 0 ELSE o.responses END AS expected_responses
FROM platform.campaigns k
JOIN platform.batches b ON b.batch = k.batch AND b.state = 'published'
LEFT JOIN (
    SELECT batch, campaign_id, count(*) AS members, sum(relevance) AS responses
    FROM (SELECT batch, campaign_id, member_id, max(relevance) AS relevance
          FROM platform.offers_now WHERE stopped IS NULL GROUP BY batch, campaign_id, member_id) message
    GROUP BY batch, campaign_id
) o ON o.batch = k.batch AND o.campaign_id = k.campaign_id
LEFT JOIN (
    SELECT batch, campaign_id, sum(members) AS members, jsonb_object_agg(reason, members) AS by_reason
    FROM (SELECT batch, campaign_id, reason, count(*) AS members
          FROM platform.suppressions_now GROUP BY batch, campaign_id, reason) counted
    GROUP BY batch, campaign_id
) s ON s.batch = k.batch AND s.campaign_id = k.campaign_id;
"""

_OFFER_COLUMNS = """batch_id, business_date, member_id, slot, campaign_id, offer_id, channel, relevance, expected_value,
       reason, evidence, merge_fields, valid_from, valid_until"""
_SUPPRESSION_COLUMNS = """batch_id, business_date, campaign_id, member_id, reason, detail, reasons, relevance, threshold,
       would_pass_if, until, model_version, policy_version"""

VIEWS = f"""
CREATE VIEW marts.offer_history AS
SELECT {_OFFER_COLUMNS}
FROM platform.offers_now WHERE stopped IS NULL;

CREATE VIEW marts.offer_table AS
SELECT {_OFFER_COLUMNS}
FROM platform.offers_now WHERE stopped IS NULL AND batch = (SELECT batch FROM platform.pointer);

CREATE VIEW marts.suppression_history AS
SELECT {_SUPPRESSION_COLUMNS}
FROM platform.suppressions_now;

CREATE VIEW marts.suppression_list AS
SELECT {_SUPPRESSION_COLUMNS}
FROM platform.suppressions_now WHERE batch = (SELECT batch FROM platform.pointer);

CREATE VIEW marts.reask_list AS
SELECT r.member_id, r.fact, r.last_value, r.declared_at, r.expired_on, r.question, r.priority
FROM platform.reasks r
LEFT JOIN live.stances a ON a.member_id = r.member_id AND a.channel = 'all'
WHERE r.batch = (SELECT batch FROM platform.pointer)
  AND (a.out_at IS NULL OR a.out_at < a.in_at);

CREATE VIEW marts.campaign_summary AS
SELECT campaign_id, audience, to_send, suppressed, by_reason, expected_responses
FROM platform.summaries_now WHERE batch = (SELECT batch FROM platform.pointer);

CREATE VIEW marts.batches AS
SELECT b.batch_id, b.business_date, b.state, p.batch IS NOT NULL AS is_current, b.published_at, b.model_version,
       b.policy_version, b.fallback_step, b.watermarks, b.offer_rows, b.suppression_rows, b.reask_rows, b.run_id
FROM platform.batches b LEFT JOIN platform.pointer p ON p.batch = b.batch;
"""

# A function, so that it can be run again: by later migrations, and by whoever makes the roles afterwards.
ROLES = """
CREATE FUNCTION platform.grant_roles() RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['hemsil_marketer', 'hemsil_web'] LOOP
        BEGIN
            IF to_regrole(wanted) IS NULL THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of the server made it just now
            WHEN insufficient_privilege THEN NULL;  -- database.migrate tells
        END;
    END LOOP;
    IF to_regrole('hemsil_marketer') IS NOT NULL THEN
        GRANT USAGE ON SCHEMA marts TO hemsil_marketer;
        GRANT SELECT ON ALL TABLES IN SCHEMA marts TO hemsil_marketer;
    END IF;
    IF to_regrole('hemsil_web') IS NOT NULL THEN
        GRANT USAGE ON SCHEMA marts TO hemsil_web;
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA marts TO hemsil_web;
    END IF;
END $$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA marts, platform, live FROM PUBLIC;
REVOKE ALL ON SCHEMA marts, platform, live FROM PUBLIC;
SELECT platform.grant_roles();
"""


def upgrade() -> None:
    for part in (NOW, VIEWS, ROLES):
        op.execute(part)
