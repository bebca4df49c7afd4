"""How old the model of a batch is."""

from alembic import op

revision = "0003"
down_revision = "0002"

MODEL_AGE = """
ALTER TABLE platform.batches ADD COLUMN model_age_days bigint CHECK (model_age_days >= 0);
CREATE OR REPLACE VIEW marts.batches AS
SELECT b.batch_id, b.business_date, b.state, p.batch IS NOT NULL AS is_current, b.published_at, b.model_version,
       b.policy_version, b.fallback_step, b.watermarks, b.offer_rows, b.suppression_rows, b.reask_rows, b.run_id,
       b.model_age_days
FROM platform.batches b LEFT JOIN platform.pointer p ON p.batch = b.batch;
"""


def upgrade() -> None:
    op.execute(MODEL_AGE)
