"""Files for people and mailing tools: safe to open, exact where they must be, readable by their owner alone."""

import csv
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from ml.errors import InputError, SettingsError
from ml.published_tables import OFFER_TABLE, SUPPRESSION_LIST
from resources.exports import export_campaign
from resources.marts import Marts
from tests.batch_rows import OFFERS, offers, publish, rows, suppressions

ODD = 'æøå 🎉 "quoted", and\na second line, é and é, שלום'
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def read_xlsx(path: Path, sheet: str = "rows") -> list[tuple[object, ...]]:
    return list(openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True))


@pytest.mark.promise("R13")
def test_a_csv_has_the_rows_of_the_campaign_and_opens_in_excel(marts: Marts, tmp_path: Path) -> None:
    publish(marts, offers=offers(OFFERS, reason=ODD))
    path = export_campaign(marts.engine, "spring", "csv", tmp_path)
    assert path.name == "campaign-spring-2017-10-30.csv"
    assert path.read_bytes().startswith(b"\xef\xbb\xbfbatch_id,business_date,")
    first, second = read_csv(path)
    assert tuple(first) == OFFER_TABLE.names
    assert (first["member_id"], first["slot"], first["relevance"], first["reason"]) == ("anna", "1", "0.5", ODD)
    assert (first["expected_value"], first["valid_until"]) == ("", "2017-11-02T04:00:00Z")
    assert second["member_id"] == "berit"


@pytest.mark.promise("R13")
@pytest.mark.parametrize("text", FORMULAS)
def test_text_is_never_a_formula_and_numbers_stay_numbers(marts: Marts, tmp_path: Path, text: str) -> None:
    publish(marts, offers=offers(OFFERS, reason=text, expected_value=-1.5))
    row = read_csv(export_campaign(marts.engine, "spring", "csv", tmp_path))[0]
    assert (row["reason"], row["expected_value"]) == (f"'{text}", "-1.5")

    sheet = openpyxl.load_workbook(export_campaign(marts.engine, "spring", "xlsx", tmp_path))["rows"]
    cells = dict(zip(OFFER_TABLE.names, sheet[2], strict=True))
    assert (cells["reason"].data_type, cells["expected_value"].value) == ("s", -1.5)

    exact = pq.read_table(export_campaign(marts.engine, "spring", "parquet", tmp_path))
    assert exact["reason"].to_pylist() == [text, text]


def test_an_xlsx_has_a_frozen_header_and_says_what_it_is(marts: Marts, tmp_path: Path) -> None:
    batch = publish(marts, offers=offers(OFFERS, reason=ODD))
    path = export_campaign(marts.engine, "summer", "xlsx", tmp_path)
    header, row = read_xlsx(path)
    assert header == OFFER_TABLE.names
    assert dict(zip(header, row, strict=True))["reason"] == ODD
    assert openpyxl.load_workbook(path)["rows"].freeze_panes == "A2"
    about = dict(read_xlsx(path, "about"))
    assert (about["batch_id"], about["business_date"]) == (batch.batch_id, "2017-10-30")
    assert about["send_before"] == "2017-11-02T04:00:00Z"


@pytest.mark.promise("R13")
def test_a_parquet_file_is_exact_and_carries_its_batch(marts: Marts, tmp_path: Path) -> None:
    batch = publish(marts, offers=offers(OFFERS, reason=ODD, expected_value=1 / 3))
    table = pq.read_table(export_campaign(marts.engine, "spring", "parquet", tmp_path))
    assert table.schema.names == list(OFFER_TABLE.names)
    assert str(table.schema.field("valid_from").type) == "timestamp[us, tz=UTC]"
    assert table["reason"].to_pylist() == [ODD, ODD]
    assert table["expected_value"].to_pylist() == [1 / 3, 1 / 3]
    assert table["evidence"].to_pylist() == ["{}", "{}"]
    assert table.schema.metadata[b"hemsil.batch_id"].decode() == batch.batch_id


@pytest.mark.parametrize("file_format", ["csv", "parquet", "xlsx"])
def test_the_suppressed_are_written_on_request_with_their_reasons(
    marts: Marts, tmp_path: Path, file_format: str
) -> None:
    publish(marts, suppressions=suppressions("carl spring LOW_RELEVANCE,OUTRANKED", detail=ODD))
    path = export_campaign(marts.engine, "spring", file_format, tmp_path, suppressed=True)
    assert path.name == f"campaign-spring-2017-10-30-suppressed.{file_format}"
    if file_format == "parquet":
        [row] = pq.read_table(path).to_pylist()
        assert row["reasons"] == ["LOW_RELEVANCE", "OUTRANKED"]
    else:
        row = read_csv(path)[0] if file_format == "csv" else dict(zip(*read_xlsx(path), strict=True))
        assert row["reasons"] == '["LOW_RELEVANCE", "OUTRANKED"]'
    assert (row["member_id"], row["detail"]) == ("carl", ODD)


@pytest.mark.parametrize("file_format", ["csv", "parquet", "xlsx"])
def test_a_campaign_with_nobody_to_send_to_gives_a_file_with_its_columns(
    marts: Marts, tmp_path: Path, file_format: str
) -> None:
    publish(marts)
    rows(marts.engine, "SELECT marts.opt_out('anna')")
    path = export_campaign(marts.engine, "summer", file_format, tmp_path)
    columns = {
        "csv": lambda: tuple(path.read_text(encoding="utf-8-sig").strip().split(",")),
        "parquet": lambda: tuple(pq.read_table(path).schema.names),
        "xlsx": lambda: read_xlsx(path)[0],
    }
    assert columns[file_format]() == OFFER_TABLE.names
    rewritten = export_campaign(marts.engine, "summer", file_format, tmp_path, suppressed=True)
    assert rewritten != path
    if file_format == "csv":
        assert [(row["member_id"], row["reason"]) for row in read_csv(rewritten)] == [("anna", "OBJECTED")]


def test_only_the_owner_may_read_an_export_and_nothing_else_is_left_behind(marts: Marts, tmp_path: Path) -> None:
    publish(marts)
    folder = tmp_path / "exports"
    for file_format in ("csv", "parquet", "xlsx", "csv"):
        path = export_campaign(marts.engine, "spring", file_format, folder)
        assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(list(folder.iterdir())) == 3


def test_an_unknown_campaign_or_format_is_refused_naming_those_there_are(marts: Marts, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing has been published yet"):
        export_campaign(marts.engine, "spring", "csv", tmp_path)
    publish(marts)
    with pytest.raises(SettingsError, match="no campaign winter; it has spring, summer"):
        export_campaign(marts.engine, "winter", "csv", tmp_path)
    with pytest.raises(SettingsError, match="csv, parquet, xlsx"):
        export_campaign(marts.engine, "spring", "pdf", tmp_path)


def test_a_campaign_s_id_is_no_path(marts: Marts, tmp_path: Path) -> None:
    names = {"../../etc/x": 1, "a/b": 1, "a_b": 1}
    lines = "\n".join(f"anna {slot} {name} email 0.5" for slot, name in enumerate(names, 1))
    publish(marts, offers=offers(lines), suppressions=suppressions(""), audience=names)
    paths = {export_campaign(marts.engine, name, "csv", tmp_path / "out") for name in names}
    assert len(paths) == 3
    assert {path.parent for path in paths} == {tmp_path / "out"}
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_a_text_too_long_for_a_sheet_is_told_and_leaves_no_file(marts: Marts, tmp_path: Path) -> None:
    publish(marts, offers=offers(OFFERS, reason="x" * 40_000))
    with pytest.raises(InputError, match="40000 characters does not fit"):
        export_campaign(marts.engine, "spring", "xlsx", tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(read_csv(export_campaign(marts.engine, "spring", "csv", tmp_path))[0]["reason"]) == 40_000


def test_every_column_of_both_views_has_a_type_in_parquet(marts: Marts, tmp_path: Path) -> None:
    publish(marts)
    for table, suppressed in ((OFFER_TABLE, False), (SUPPRESSION_LIST, True)):
        schema = pq.read_schema(export_campaign(marts.engine, "spring", "parquet", tmp_path, suppressed=suppressed))
        assert schema.names == list(table.names)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_mail_gets_the_two_headers_by_which_a_member_stops_it_with_one_click(
    marts: Marts, tmp_path: Path, form: str
) -> None:
    publish(marts)
    address = "https://club.example/stop?m={member_id}&c={campaign_id}"
    path = export_campaign(marts.engine, "summer", form, tmp_path, unsubscribe=address)
    [row] = read_csv(path) if form == "csv" else pq.read_table(path).to_pylist()
    assert row["List-Unsubscribe"] == "<https://club.example/stop?m=anna&c=summer>"
    assert row["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    listed = export_campaign(marts.engine, "spring", form, tmp_path, suppressed=True, unsubscribe=address)
    [held] = read_csv(listed) if form == "csv" else pq.read_table(listed).to_pylist()
    assert "List-Unsubscribe" not in held  # nobody there is written to


def test_a_batch_that_may_not_be_shown_is_not_exported_and_it_is_said_why(marts: Marts, tmp_path: Path) -> None:
    publish(marts)
    rows(marts.engine, "UPDATE platform.batches SET valid_until = now() - interval '1 hour'")
    with pytest.raises(InputError, match="the batch of 2017-10-30 is too old to be sent"):
        export_campaign(marts.engine, "spring", "csv", tmp_path)
    assert list(tmp_path.iterdir()) == []
