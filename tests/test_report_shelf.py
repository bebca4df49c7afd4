"""How long HTML reports are kept."""

from pathlib import Path

from resources.report_shelf import prune_reports
from resources.text_page import judge_page, write_page
from web.reports import night_reports, report_days


def test_only_the_newest_nights_stay_and_what_is_not_a_night_is_left_alone(tmp_path: Path) -> None:
    for name in ("2024-03-13", "2024-03-14", "2024-03-15", "2024-99-99", "notes"):
        (tmp_path / name).mkdir()
    assert prune_reports(tmp_path, keep=2) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2024-03-14", "2024-03-15", "2024-99-99", "notes"]
    assert prune_reports(tmp_path / "nowhere", keep=2) == 0


def test_the_model_card_is_among_the_nights_reports(tmp_path: Path) -> None:
    text = "# Model card\n\n| a | b |\n|---|---|\n| 1 | <b>2</b> |\n"
    page = write_page(text, "model-card", "Model card of version 7", "for whom", tmp_path / "2024-03-15")
    text = page.read_text()
    assert "<h1>Model card</h1>" in text
    assert "<td>&lt;b&gt;2&lt;/b&gt;</td>" in text
    [day] = report_days(tmp_path)
    [report] = night_reports(tmp_path, day).reports
    assert (report.title, report.verdict) == ("Model card of version 7", "pass")


def test_the_list_says_what_became_of_the_model_that_a_card_is_of(tmp_path: Path) -> None:
    folder = tmp_path / "2024-03-15"
    judge_page(folder, "model-card", "Model card of version 7", "note", "not promoted: there is no such page yet")
    write_page("# Model card", "model-card", "Model card of version 7", "for whom", folder, "note")
    [day] = report_days(tmp_path)
    for title, said in (("Model card of version 6", "for whom"), ("Model card of version 7", "not promoted: AUC")):
        judge_page(folder, "model-card", title, "note", "not promoted: AUC")
        [report] = night_reports(tmp_path, day).reports
        assert (report.title, report.verdict, report.reason) == ("Model card of version 7", "note", said)
