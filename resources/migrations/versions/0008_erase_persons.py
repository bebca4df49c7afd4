"""An erasure takes the member's pairs of ids, too."""

from alembic import op

revision = "0008"
down_revision = "0007"

ERASE = """
DROP FUNCTION IF EXISTS platform.erase_member(text);
CREATE OR REPLACE FUNCTION platform.erase(member text) RETURNS TABLE (table_name text, rows bigint) LANGUAGE plpgsql
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
    DELETE FROM platform.same_person p WHERE p.member_id = erase.member OR p.other_id = erase.member;
    GET DIAGNOSTICS rows = ROW_COUNT;
    table_name := 'platform.same_person';
    RETURN NEXT;
    FOREACH emptied IN ARRAY ARRAY['live.events', 'live.feedback', 'live.preferences'] LOOP
        EXECUTE format('UPDATE %s SET member_id = ''(erased)'', salt = NULL WHERE member_id = $1', emptied) USING erase.member;
        GET DIAGNOSTICS rows = ROW_COUNT;
        table_name := emptied;
        RETURN NEXT;
    END LOOP;
END $$;
"""


def upgrade() -> None:
    op.execute(ERASE)
    op.execute("SELECT platform.grant_roles()")
