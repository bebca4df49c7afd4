"""What may be shown: nothing old, nothing that a member has refused since; and what a mailing tool may claim of it."""

from alembic import op

revision = "0005"
down_revision = "0004"

# Only tonight's batch grows old: a night of the past that is run again shows its own date, and was never to be sent.
COLUMNS = """
ALTER TABLE platform.batches
    ADD COLUMN consents_until timestamptz,  -- how far the consents reached; null where the source does not tell, or the night is history
    ADD COLUMN consents_last  interval,     -- how long they are trusted
    ADD COLUMN accepted       text,         -- why a person let it pass the comparison with the nights before
    ADD COLUMN ledger         jsonb NOT NULL DEFAULT '{}';  -- ledger -> [place, hash] of its last row at the time
ALTER TABLE platform.campaigns
    ADD COLUMN eligible bigint,  -- members whom neither law nor their own word stops
    ADD COLUMN silent   bigint;  -- members stopped for want of a consent who have refused nothing

CREATE TABLE platform.said (
    batch     bigint NOT NULL,
    member_id text NOT NULL,
    verdict   text NOT NULL CHECK (verdict IN ('consented', 'refused')),
    PRIMARY KEY (batch, member_id, verdict) DEFERRABLE INITIALLY DEFERRED
);

-- What "not for me" would cover each offer, and for how long it stands.
CREATE TABLE platform.scopes (
    batch    bigint NOT NULL,
    offer_id text NOT NULL,
    scope    text NOT NULL,
    scope_id text NOT NULL,
    lasts    interval NOT NULL,
    PRIMARY KEY (batch, offer_id, scope, scope_id) DEFERRABLE INITIALLY DEFERRED
);

-- Takes a member out of every table, and tells how many rows of each. The campaigns still balance without the member; the
-- ledgers keep their place in the chain.
CREATE FUNCTION platform.erase(member text) RETURNS TABLE (table_name text, rows bigint) LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    emptied text;
BEGIN
    UPDATE platform.campaigns k SET audience = k.audience - 1, eligible = k.eligible - s.eligible, silent = k.silent - s.silent
    FROM (SELECT batch, campaign_id, CASE WHEN bool_or(stopped) THEN 0 ELSE 1 END AS eligible, max(silent) AS silent FROM (
              SELECT o.batch, o.campaign_id, false AS stopped, 0 AS silent FROM platform.offers o WHERE o.member_id = erase.member
              UNION ALL
              SELECT u.batch, u.campaign_id, u.reason IN ('ERASED', 'OBJECTED', 'COMPLAINED', 'NO_CONSENT', 'UNDERAGE', 'CHANNEL_OPT_OUT', 'CONSENT_STALE'),
                     CASE WHEN u.reason IN ('NO_CONSENT', 'UNDERAGE') AND NOT EXISTS (
                         SELECT FROM platform.said d WHERE d.batch = u.batch AND d.member_id = u.member_id AND d.verdict = 'refused') THEN 1 ELSE 0 END
              FROM platform.suppressions u WHERE u.member_id = erase.member) listed
          GROUP BY batch, campaign_id) s
    WHERE k.batch = s.batch AND k.campaign_id = s.campaign_id;
    UPDATE platform.batches b SET
        offer_rows = offer_rows - (SELECT count(*) FROM platform.offers o WHERE o.batch = b.batch AND o.member_id = erase.member),
        suppression_rows = suppression_rows - (SELECT count(*) FROM platform.suppressions s WHERE s.batch = b.batch AND s.member_id = erase.member),
        reask_rows = reask_rows - (SELECT count(*) FROM platform.reasks r WHERE r.batch = b.batch AND r.member_id = erase.member);
    FOREACH emptied IN ARRAY ARRAY['platform.offers', 'platform.suppressions', 'platform.reasks', 'platform.said', 'live.claims'] LOOP
        EXECUTE format('DELETE FROM %s WHERE member_id = $1', emptied) USING erase.member;
        GET DIAGNOSTICS rows = ROW_COUNT;
        table_name := emptied;
        RETURN NEXT;
    END LOOP;
    FOREACH emptied IN ARRAY ARRAY['live.events', 'live.feedback', 'live.preferences'] LOOP
        EXECUTE format('UPDATE %s SET member_id = ''(erased)'', salt = NULL WHERE member_id = $1', emptied) USING erase.member;
        GET DIAGNOSTICS rows = ROW_COUNT;
        table_name := emptied;
        RETURN NEXT;
    END LOOP;
END $$;

-- When each run began, as a fencing token: whoever began earlier does not undo who began later.
CREATE TABLE platform.runs (
    run_id text PRIMARY KEY,
    token  bigint NOT NULL
);

-- Consent feeds read between two nights: how far each reached.
CREATE TABLE live.feeds (
    source      text PRIMARY KEY,
    heard_until timestamptz NOT NULL
);
"""

DROPPED = """
DROP VIEW marts.offer_history, marts.offer_table, marts.suppression_history, marts.suppression_list, marts.reask_list,
          marts.campaign_summary, marts.batches, platform.summaries_now, platform.suppressions_now, platform.offers_now;
"""

# The batch that the views show, unless it has grown too old; and why nothing is shown.
FRESH = """
CREATE VIEW platform.standing AS
SELECT b.batch, b.batch_id, b.business_date, b.valid_until,
       greatest(b.consents_until, CASE WHEN b.consents_until IS NOT NULL THEN (SELECT max(heard_until) FROM live.feeds) END)
           + b.consents_last AS consents_valid_until,
       CASE WHEN clock_timestamp() >= b.valid_until
            THEN 'the batch of ' || b.business_date || ' is too old to be sent'
            WHEN clock_timestamp() >= greatest(b.consents_until, CASE WHEN b.consents_until IS NOT NULL THEN (SELECT max(heard_until) FROM live.feeds) END) + b.consents_last
            THEN 'the consents were last heard of too long ago' END AS hidden_because
FROM platform.batches b JOIN platform.pointer p USING (batch);

CREATE VIEW platform.shown AS SELECT batch FROM platform.standing WHERE hidden_because IS NULL;
"""

# `stopped`: 1 OBJECTED, 2 CHANNEL_OPT_OUT, 3 NOT_FOR_ME, most restrictive first; said since the night, or before it.
NOW = """
CREATE VIEW platform.refused AS
SELECT s.batch, f.member_id, s.offer_id, max(f.recorded_at) AS refused_at
FROM (SELECT member_id, scope, scope_id, max(recorded_at) AS recorded_at FROM live.feedback f
      WHERE verdict = 'not_for_me' AND member_id <> '(erased)' AND NOT EXISTS (
          SELECT FROM live.feedback m WHERE m.member_id = f.member_id AND m.scope = f.scope AND m.scope_id = f.scope_id
          AND m.verdict = 'more_like_this' AND m.recorded_at > f.recorded_at)
      GROUP BY member_id, scope, scope_id) f
JOIN platform.scopes s ON s.scope = f.scope AND s.scope_id = f.scope_id AND f.recorded_at + s.lasts > now()
GROUP BY s.batch, f.member_id, s.offer_id;

CREATE VIEW platform.offers_now AS
SELECT o.batch, b.batch_id, b.business_date, o.member_id, o.slot, o.campaign_id, o.offer_id, o.channel, o.relevance,
       o.expected_value, o.reason, o.evidence, o.merge_fields, o.valid_from, o.valid_until,
       b.model_version, b.policy_version,
       CASE WHEN a.out_at >= coalesce(greatest(a.in_at, c.in_at), '-infinity') THEN 1
            WHEN c.out_at >= coalesce(greatest(a.in_at, c.in_at), '-infinity') THEN 2
            WHEN r.refused_at IS NOT NULL THEN 3 END AS stopped,
       greatest(a.out_at, c.out_at, r.refused_at) AS stopped_at
FROM platform.offers o
JOIN platform.batches b ON b.batch = o.batch AND b.state = 'published'
LEFT JOIN live.stances a ON a.member_id = o.member_id AND a.channel = 'all'
LEFT JOIN live.stances c ON c.member_id = o.member_id AND c.channel = o.channel
LEFT JOIN platform.refused r ON r.batch = o.batch AND r.member_id = o.member_id AND r.offer_id = o.offer_id;

-- A member whose every offer of a campaign is stopped has moved from its offers to its suppressions.
CREATE VIEW platform.suppressions_now AS
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
WHERE member_id IN (SELECT member_id FROM live.events WHERE kind = 'opt_out' UNION ALL SELECT member_id FROM live.feedback)
GROUP BY batch, batch_id, business_date, campaign_id, member_id, model_version, policy_version, codes.names, codes.words
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
SELECT {_OFFER_COLUMNS} FROM platform.offers_now WHERE stopped IS NULL;

CREATE VIEW marts.offer_table AS
SELECT {_OFFER_COLUMNS} FROM platform.offers_now WHERE stopped IS NULL AND batch = (SELECT batch FROM platform.shown);

CREATE VIEW marts.suppression_history AS
SELECT {_SUPPRESSION_COLUMNS} FROM platform.suppressions_now;

CREATE VIEW marts.suppression_list AS
SELECT {_SUPPRESSION_COLUMNS} FROM platform.suppressions_now WHERE batch = (SELECT batch FROM platform.shown);

CREATE VIEW marts.reask_list AS
SELECT r.member_id, r.fact, r.last_value, r.declared_at, r.expired_on, r.question, r.priority
FROM platform.reasks r
LEFT JOIN live.stances a ON a.member_id = r.member_id AND a.channel = 'all'
WHERE r.batch = (SELECT batch FROM platform.shown) AND (a.out_at IS NULL OR a.out_at < a.in_at);

CREATE VIEW marts.campaign_summary AS
SELECT campaign_id, audience, to_send, suppressed, by_reason, expected_responses
FROM platform.summaries_now WHERE batch = (SELECT batch FROM platform.shown);

-- The step of the current batch is that of this moment: D once a night has been missed, E once nothing is shown.
CREATE VIEW marts.batches AS
SELECT b.batch_id, b.business_date, b.state, s.batch IS NOT NULL AS is_current, b.published_at, b.model_version,
       b.policy_version,
       CASE WHEN s.hidden_because IS NOT NULL THEN 'E'
            WHEN b.valid_until IS NOT NULL AND s.batch IS NOT NULL AND now() >= b.published_at + interval '26 hours' THEN 'D'
            ELSE b.fallback_step END AS fallback_step,
       b.watermarks, b.offer_rows, b.suppression_rows, b.reask_rows, b.run_id, b.model_age_days,
       s.hidden_because, least(s.valid_until, s.consents_valid_until) AS shown_until
FROM platform.batches b LEFT JOIN platform.standing s ON s.batch = b.batch;
"""

# Rows handed out once: unique by member, campaign and channel, of what the views show at this very moment.
CLAIM = """
CREATE FUNCTION marts.claim(campaign text, via text, most bigint, batch text DEFAULT NULL)
RETURNS TABLE (claim_id bigint, batch_id text, campaign_id text, channel text, member_id text, slot bigint, offer_id text,
               relevance double precision, reason text, merge_fields jsonb, valid_until timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    standing record;
    counts record;
BEGIN
    IF most IS NULL OR most < 1 THEN
        RAISE EXCEPTION 'claim at least 1 member, not %', coalesce(most::text, 'null') USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('hemsil claim ' || claim.campaign || ' ' || claim.via, 0));
    SELECT s.* INTO standing FROM platform.standing s;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'nothing has been published yet' USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF claim.batch <> standing.batch_id THEN
        RAISE EXCEPTION 'batch % is not the current one, which is %: its list may not be sent any more', claim.batch, standing.batch_id
            USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF standing.hidden_because IS NOT NULL THEN
        RAISE EXCEPTION 'nothing may be sent: %', standing.hidden_because USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF NOT EXISTS (SELECT FROM platform.campaigns k WHERE k.batch = standing.batch AND k.campaign_id = claim.campaign) THEN
        RAISE EXCEPTION 'batch % has no campaign %', standing.batch_id, claim.campaign USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT count(*) AS held, count(*) FILTER (WHERE t.valid_until > clock_timestamp()) AS sendable, max(t.valid_until) AS until
        INTO counts FROM platform.offers t
        WHERE t.batch = standing.batch AND t.campaign_id = claim.campaign AND t.channel = claim.via;
    IF counts.held > 0 AND counts.sendable = 0 THEN
        RAISE EXCEPTION 'the offers of campaign % had to be sent before %', claim.campaign, counts.until
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN QUERY
    WITH sendable AS (
        SELECT t.* FROM platform.offers_now t
        WHERE t.stopped IS NULL AND t.batch = standing.batch AND t.campaign_id = claim.campaign AND t.channel = claim.via
          AND clock_timestamp() >= t.valid_from AND clock_timestamp() < t.valid_until
    ), picked AS (
        SELECT DISTINCT ON (t.member_id) t.member_id, t.offer_id FROM sendable t
        WHERE NOT EXISTS (SELECT FROM live.claims c WHERE c.campaign_id = t.campaign_id AND c.channel = t.channel
                          AND c.member_id = t.member_id AND c.returned_at IS NULL)
        ORDER BY t.member_id, t.slot LIMIT most
    ), claimed AS (
        INSERT INTO live.claims (batch, campaign_id, channel, member_id, offer_id)
        SELECT standing.batch, claim.campaign, claim.via, p.member_id, p.offer_id FROM picked p
        RETURNING live.claims.claim_id, live.claims.member_id
    )
    SELECT c.claim_id, t.batch_id, t.campaign_id, t.channel, t.member_id, t.slot, t.offer_id, t.relevance, t.reason,
           t.merge_fields, t.valid_until
    FROM claimed c JOIN sendable t ON t.member_id = c.member_id ORDER BY t.member_id, t.slot;
END $$;

-- What was really sent: this is what caps count. Claims that are confirmed already are left as they are.
CREATE FUNCTION marts.confirm(claims bigint[], sent_at timestamptz DEFAULT NULL)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    unknown bigint;
    changed bigint;
BEGIN
    SELECT count(*) INTO unknown FROM unnest(confirm.claims) AS given (id)
        WHERE NOT EXISTS (SELECT FROM live.claims c WHERE c.claim_id = given.id AND c.returned_at IS NULL);
    IF unknown > 0 THEN
        RAISE EXCEPTION '% of the claims are unknown or were given back', unknown USING ERRCODE = 'invalid_parameter_value';
    END IF;
    UPDATE live.claims c SET sent_at = greatest(c.claimed_at, least(clock_timestamp(), confirm.sent_at))
        WHERE c.claim_id = ANY (confirm.claims) AND c.sent_at IS NULL;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END $$;

-- What was claimed and not sent after all, so that it may be claimed again.
CREATE FUNCTION marts.give_back(claims bigint[])
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed bigint;
BEGIN
    UPDATE live.claims c SET returned_at = clock_timestamp()
        WHERE c.claim_id = ANY (give_back.claims) AND c.sent_at IS NULL AND c.returned_at IS NULL;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END $$;
"""


def upgrade() -> None:
    for part in (COLUMNS, DROPPED, FRESH, NOW, VIEWS, CLAIM):
        op.execute(part)
    op.execute("SELECT platform.grant_roles()")
