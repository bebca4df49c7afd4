"""Whole nights on a small club with faults in it: the real Dagster job, PostgreSQL, MLflow and lake, and what is to be found
in each afterwards. What kills and refusals do to a night is in test_night_faults.py.
"""

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import mlflow
import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.examples import offer_rows, offered
from ml.lake_tables import ASKS
from ml.model import RelevanceModel
from resources.database import schema_url
from resources.platform import Platform
from resources.scorer import feature_tables_of
from tests.small_club import MARK, MEMBERS
from tests.whole_night import (
    BROKEN,
    EARLIER,
    NIGHT,
    Night,
    failure_of,
    fed_with,
    one_byte_changed,
    played_night,
    run_job,
)

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def night() -> Iterator[Night]:
    with played_night() as night:
        yield night


def test_the_summary_tells_a_marketer_what_was_decided_and_where_to_look(night: Night) -> None:
    assert night.answer.code == 0, night.answer.text
    planned = night.at.one("SELECT sum(audience) FROM marts.campaign_summary")
    assert f"{MEMBERS} members, 2 campaigns, {planned} planned messages." in night.answer.text
    assert "Decided by the champion model on today's features (model 1," in night.answer.text
    assert night.at.one("SELECT model_age_days FROM marts.batches") == 0
    assert f"{sum(night.faults.values())} rows of the source break the contract" in night.answer.text
    for told in ("make ui", "marts.campaign_summary", "hemsil export"):
        assert told in night.answer.text


def test_every_planned_member_is_either_sent_to_or_suppressed(night: Night) -> None:
    counted = """
        SELECT campaign_id, audience,
               (SELECT count(DISTINCT member_id) FROM marts.offer_table o WHERE o.campaign_id = c.campaign_id),
               (SELECT count(*) FROM marts.suppression_list s WHERE s.campaign_id = c.campaign_id), to_send, suppressed
        FROM marts.campaign_summary c ORDER BY campaign_id"""
    found = night.at.rows(counted)
    assert [row[0] for row in found] == ["easter", "spring"]
    for _, audience, offered_to, stopped, to_send, suppressed in found:
        assert audience == offered_to + stopped == MEMBERS * 2 // 3
        assert (offered_to, stopped) == (to_send, suppressed)
    both = "SELECT count(*) FROM marts.offer_table JOIN marts.suppression_list USING (campaign_id, member_id)"
    assert night.at.one(both) == 0


def test_members_without_consent_get_nothing_and_are_told_why(night: Night) -> None:
    assert len(night.refusing) == 20 + 14
    offered_to = {member for (member,) in night.at.rows("SELECT member_id FROM marts.offer_table")}
    assert len(offered_to) > 100
    assert not offered_to & night.refusing
    reasons = night.at.rows("SELECT member_id, reason FROM marts.suppression_list")
    assert {reason for member, reason in reasons if member in night.refusing} == {"NO_CONSENT", "OBJECTED"}
    assert "CHANNEL_OPT_OUT" in {reason for _, reason in reasons}


@pytest.mark.promise("R8")
def test_bad_rows_are_in_quarantine_with_the_rule_they_broke(night: Night) -> None:
    files = str(night.lake("quarantine") / "*.parquet")
    found = duckdb.sql(f"SELECT table_name, rule, count(*) FROM '{files}' GROUP BY ALL").fetchall()
    assert {(table, rule): rows for table, rule, rows in found} == night.faults


def test_what_was_set_aside_is_told_in_words_and_the_rows_are_for_whoever_mends_them(night: Night) -> None:
    page = (night.at.home / "reports" / NIGHT / "quarantine.html").read_text()
    rows = night.at.folder / "rows.csv"
    said = night.at.call("quarantine", "--to", str(rows)).text
    for table, rule in night.faults:
        assert f"<td>{table}</td>\n<td>{rule}</td>" in page
    assert "how they come back" in said
    assert f"{sum(night.faults.values())} rows in" in said
    assert len(pd.read_csv(rows)) == sum(night.faults.values())
    assert rows.stat().st_mode & 0o777 == 0o600
    assert MARK not in page
    assert "no quarantine of 1999-01-01" in night.at.call("quarantine", "--as-of", "1999-01-01").text


def test_the_lake_is_read_by_plain_duckdb_and_its_manifests_are_right(night: Night) -> None:
    manifests = list((night.at.home / "lake").glob(f"*/business_date={NIGHT}/manifest.json"))
    assert len(manifests) > 25
    for path in manifests:
        told = json.loads(path.read_text())
        rows = duckdb.sql(f"SELECT count(*) FROM '{path.parent}/*.parquet'").fetchall()
        assert rows == [(told["rows"],)], told["table"]
        for name, digest in told["files"].items():
            assert hashlib.sha256((path.parent / name).read_bytes()).hexdigest() == digest
    asked = duckdb.sql(f"SELECT count(DISTINCT member_id) FROM '{night.lake('scores')}/*.parquet'").fetchall()
    assert asked[0][0] > 200


def test_the_model_is_in_the_registry_with_its_digests_and_loads_by_mlflow_alone(night: Night, tmp_path: Path) -> None:
    uri = schema_url(night.at.url, "mlflow")
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    client = mlflow.MlflowClient()
    champion = client.get_model_version_by_alias("relevance", "champion")
    assert str(champion.version) == "1"
    assert sorted(champion.aliases) == ["challenger", "champion"]
    assert champion.tags["business_date"] == NIGHT
    folder = Path(mlflow.artifacts.download_artifacts("models:/relevance@champion", dst_path=str(tmp_path)))
    digests = {tag.removeprefix("sha256."): told for tag, told in champion.tags.items() if tag.startswith("sha256.")}
    assert "relevance.json" in digests
    assert any(name.endswith(".ubj") for name in digests)
    for name, digest in digests.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert mlflow.xgboost.load_model("models:/relevance@champion").num_boosted_rounds() >= 10
    run = client.get_run(champion.run_id)
    assert run.data.metrics["mailing_auc"] > run.data.metrics["popularity_auc"] + 0.02
    data = json.loads(mlflow.artifacts.load_text(f"{run.info.artifact_uri}/data/digests.json"))
    assert data["transactions"] == Platform(night.at.settings).lake.manifest("transactions", NIGHT).digest


def test_scores_are_what_the_champion_says_of_the_lakes_features(night: Night, tmp_path: Path) -> None:
    """The model from MLflow, the rows from the lake, and no part of the scoring step."""
    platform = Platform(night.at.settings)
    mlflow.set_tracking_uri(schema_url(night.at.url, "mlflow"))
    folder = Path(mlflow.artifacts.download_artifacts("models:/relevance@champion", dst_path=str(tmp_path)))
    model = RelevanceModel.from_files({p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()})
    of_night = platform.night(NIGHT)
    club = platform.club(of_night)
    asks = platform.lake.read(ASKS, NIGHT).order_by("campaign_id", "member_id").limit(30)
    rows = offer_rows(club, offered(club, asks), feature_tables_of(platform, of_night)).to_pyarrow()
    keys = [rows[name].to_pylist() for name in ("campaign_id", "member_id", "offer_id")]
    expected = dict(zip(zip(*keys, strict=True), model.offer_relevance(rows)[0], strict=True))
    held = pq.read_table(night.lake("scores") / "part-0.parquet").to_pylist()
    stored = {(row["campaign_id"], row["member_id"], row["offer_id"]): row["relevance"] for row in held}
    scored = sorted(pair for pair in expected if pair in stored)
    assert len(scored) > 60
    assert np.allclose([expected[pair] for pair in scored], [stored[pair] for pair in scored], rtol=0, atol=1e-9)


def test_drift_is_a_table_a_check_for_each_column_and_a_page(night: Night) -> None:
    watched = duckdb.sql(f"SELECT column_name, verdict FROM '{night.lake('drift')}/*.parquet'").fetchall()
    assert len(watched) > 10
    pages = sorted((night.at.home / "reports" / NIGHT).glob("*.html"))
    assert [page.name for page in pages] == ["drift-since-training.html", "model-card.html", "quarantine.html"]
    keys = {name: dg.AssetCheckKey(dg.AssetKey("drift"), name) for name, _ in watched}
    with night.at.as_environment(), dg.DagsterInstance.get() as instance:
        checks = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(keys.values()))
    for name, verdict in watched:
        event = checks[keys[name]].event
        assert event is not None
        assert event.dagster_event.asset_check_evaluation_data.passed == (verdict == "pass"), name


@pytest.mark.promise("R12")
def test_no_member_is_named_in_dagsters_or_mlflows_tables_or_files_or_in_reports(night: Night) -> None:
    trace = f"{MARK}0"
    for schema in ("dagster", "mlflow"):
        tables = night.at.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = %s", schema)
        assert len(tables) > 10
        for (table,) in tables:
            assert (
                night.at.one(f'SELECT count(*) FROM {schema}."{table}" t WHERE t::text LIKE %s', f"%{trace}%") == 0
            ), table
    for folder in ("dagster", "mlflow", "reports"):
        files = [path for path in (night.at.home / folder).rglob("*") if path.is_file()]
        assert files
        assert not [path for path in files if trace.encode() in path.read_bytes()]
    assert trace not in night.answer.text


def test_the_same_date_again_says_so_and_publishes_nothing(night: Night) -> None:
    before = night.at.rows("SELECT batch_id, state, published_at FROM marts.batches ORDER BY 1")
    answer = night.at.call("nightly", "--as-of", NIGHT)
    assert answer.code == 0
    assert "Already published" in answer.text
    assert "2 campaigns" in answer.text
    assert night.at.rows("SELECT batch_id, state, published_at FROM marts.batches ORDER BY 1") == before


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_a_campaign_is_exported_with_everyone_it_goes_to(night: Night, form: str) -> None:
    folder = night.at.folder / "out"
    answer = night.at.call("export", "spring", "--format", form, "--folder", str(folder))
    path = folder / f"campaign-spring-{NIGHT}.{form}"
    assert answer.text.strip() == str(path)
    expected = {m for (m,) in night.at.rows("SELECT member_id FROM marts.offer_table WHERE campaign_id = 'spring'")}
    if form == "csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            found = {row["member_id"] for row in csv.DictReader(file)}
    elif form == "parquet":
        found = set(pq.read_table(path)["member_id"].to_pylist())
    else:
        header, *rows = openpyxl.load_workbook(path)["rows"].iter_rows(values_only=True)
        found = {row[header.index("member_id")] for row in rows}
    assert found == expected


def test_a_changed_byte_in_the_lake_is_noticed_and_nothing_is_published(night: Night) -> None:
    with one_byte_changed(night.lake("offers_to_send") / "part-0.parquet"):
        result = run_job(night.at, "publish", NIGHT)
    assert not result.success
    assert f"offers_to_send/business_date={NIGHT}/part-0.parquet differs from its manifest" in failure_of(result)


@pytest.mark.promise("F8")
def test_a_damaged_model_is_not_used_and_the_copy_that_the_night_kept_takes_its_place(night: Night) -> None:
    """With the copy damaged too, rules decide. The champion's own bytes are checked in test_registry.py."""
    platform = Platform(night.at.settings)
    [model] = (night.at.home / "mlflow" / "artifacts").rglob("relevance.json")
    [copy] = (night.at.home / "models").rglob("relevance.json")

    def step() -> tuple[str, str]:
        assert run_job(night.at, "nightly", NIGHT, only=["scores"]).success
        notes = platform.lake.manifest("scores", NIGHT).notes
        return notes["fallback_step"], notes["model_version"]

    with one_byte_changed(model):
        assert step() == ("B", "1")
        with one_byte_changed(copy):
            assert step() == ("C", "rules")
    assert step() == ("A", "1")


@pytest.mark.promise("R8")
@pytest.mark.parametrize("fault", BROKEN)
def test_bad_tables_stop_the_night_before_anything_is_published(night: Night, fault: str) -> None:
    before = night.at.rows("SELECT batch_id FROM marts.batches")
    with fed_with(night.at, fault) as other:
        answer = other.call("nightly", "--as-of", "2024-03-13")
    sentence, code = BROKEN[fault]
    assert sentence in answer.text
    assert "nothing was published" in answer.text
    assert "Traceback" not in answer.text
    assert answer.code == code
    assert night.at.rows("SELECT batch_id FROM marts.batches") == before


@pytest.mark.promise("F18")
def test_a_backfill_shows_in_the_history_and_moves_the_pointer_only_when_asked(night: Night) -> None:
    at = night.at
    shown = "SELECT DISTINCT business_date::text FROM marts.offer_table"
    assert run_job(at, "nightly", EARLIER).success
    assert at.rows(shown) == [(NIGHT,)]
    published = {str(d) for (d,) in at.rows("SELECT business_date FROM marts.batches WHERE state = 'published'")}
    assert published == {EARLIER, NIGHT}
    balance = "SELECT count(DISTINCT (campaign_id, member_id)) FROM marts.{}_history WHERE business_date = %s"
    counts = [at.one(balance.format(table), EARLIER) for table in ("offer", "suppression")]
    assert sum(counts) == 2 * (MEMBERS * 2 // 3)

    answer = at.call("nightly", "--as-of", EARLIER)
    assert f"The views still show {NIGHT}, a later date" in answer.text
    assert at.call("nightly", "--as-of", EARLIER, "--make-current").code == 0
    assert at.rows(shown) == [(EARLIER,)]
    assert at.call("nightly", "--as-of", NIGHT, "--make-current").code == 0
    assert at.rows(shown) == [(NIGHT,)]
    assert at.one("SELECT count(*) FROM marts.batches") == 2


def test_a_backfilled_night_uses_no_model_of_its_future(night: Night) -> None:
    scores = pa.concat_tables([pq.read_table(night.lake("scores", EARLIER) / "part-0.parquet")])
    [version] = set(scores["model_version"].to_pylist())
    trained_for = Platform(night.at.settings).registry.load(version).tags["business_date"]
    assert trained_for == EARLIER


def test_a_decision_is_explained_from_facts_to_verdict(night: Night) -> None:
    ((member, offer, reason),) = night.at.rows("SELECT member_id, offer_id, reason FROM marts.offer_table LIMIT 1")
    answer = night.at.call("explain", member, offer, "--json")
    told = json.loads(answer.text)
    assert told["business_date"] == NIGHT
    assert told["counted"]["transactions"] > 0
    sent = [row for row in told["decisions"] if row["verdict"] == "send"]
    assert [(row["offer_id"], row["detail"]) for row in sent] == [(offer, reason)]
    assert "declared" not in str(sent[0]["exact"])
    assert sent[0]["exact"]["offer"]
    unknown = night.at.call("explain", "nobody of this name")
    assert (unknown.code, "no member of this id" in unknown.text) == (2, True)
