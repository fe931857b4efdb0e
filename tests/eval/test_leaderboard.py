from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from PIL import Image

from eval.leaderboard import CELLS, Row, average_table, leaderboard, records
from eval.machine import Provenance
from eval.metrics import MS_SSIM, PSNR, Figure, distortion_of
from eval.problems import Problem
from eval.published import PUBLISHED_SETS, published_rows
from eval.report.board_files import board_markdown, board_plot, board_tables

ORIGIN = Provenance("c0ffee", "ab" * 32, "2.0", 2, "CPU of a test", "2021-01-02 03:04:05")
COLUMNS = ("Team", "MSSSIM", "PSNR", "FID", "ELO", "Data size", "Decoder size", "Decoding time (s)", "Date")
BOARD = {
    "0.15": [
        Row("a|b", {"psnr": 30.0, "ms-ssim": 0.9}, 100, 7, 1.5, provenance=ORIGIN),
        Row("JPEG", {"psnr": 31.0, "ms-ssim": 0.8}, 90, settings="quality 5", provenance=replace(ORIGIN, threads=None)),
        Row("winner", {"psnr": 32.5, "ms-ssim": None}, source="a paper, Table 1"),
    ],
    "0.3": [
        Row("a|b", {"psnr": 33.0, "ms-ssim": 0.95}, 200, 7, 1.5, provenance=ORIGIN),
        Row("winner", {"psnr": 34.5, "ms-ssim": None}, source="a paper, Table 1"),
    ],
}


@pytest.fixture
def validation_set() -> dict[str, int]:
    with PUBLISHED_SETS[0].pictures.open() as file:
        return {row["image"]: int(row["pixels"]) for row in csv.DictReader(file)}


def test_leaderboard_puts_the_best_psnr_first() -> None:
    table = leaderboard(BOARD["0.15"], COLUMNS)
    assert list(table.columns) == list(COLUMNS)
    assert table["Team"].tolist() == ["winner (published)", "JPEG", "a|b"]


@pytest.mark.parametrize(
    ("figure", "teams"),
    [(PSNR, ["winner (published)", "JPEG", "a|b"]), (MS_SSIM, ["a|b", "JPEG", "winner (published)"])],
    ids=["PSNR", "MS-SSIM"],
)
def test_every_table_is_ordered_by_what_was_asked(figure: Figure, teams: list[str]) -> None:
    board = {"0.15": BOARD["0.15"], "0.3": BOARD["0.15"]}
    title = f"{figure.name}, average of the targets"
    tables = board_tables(board, COLUMNS, figure)
    assert [tables[name]["Team"].tolist() for name in ("0.15 bpp", title)] == [teams, teams]
    assert list(records(board, figure)["team"][:3]) == [team.removesuffix(" (published)") for team in teams]


def test_average_is_that_of_the_metric_that_was_asked() -> None:
    table = average_table(BOARD, MS_SSIM)
    assert table["Team"].tolist() == ["a|b", "JPEG", "winner (published)"]
    assert table["Average"].tolist() == ["0.92500", "", ""]


def test_mixed_distortion_is_that_of_both_and_falls_towards_the_best() -> None:
    figure = distortion_of("mix", 0.1).figure
    assert figure.of({"psnr": 30.0, "ms-ssim": 0.9}) == pytest.approx(0.001 + 0.1 * 0.1)
    assert figure.of({"psnr": 30.0, "ms-ssim": None}) is None
    values = {"worse": (30.0, 0.9), "better": (29.9, 0.95), "unknown": (40.0, None)}
    rows = [Row(team, {"psnr": psnr, "ms-ssim": similarity}) for team, (psnr, similarity) in values.items()]
    teams = leaderboard(rows, ("Team",), figure)
    assert teams["Team"].tolist() == ["better", "worse", "unknown"]


def test_unknown_values_are_empty_not_zero() -> None:
    first = leaderboard(BOARD["0.15"], COLUMNS).iloc[0]
    assert first["PSNR"] == "32.500"
    assert set(first.drop(["Team", "PSNR"])) == {""}


def test_unknown_column_is_refused() -> None:
    with pytest.raises(KeyError, match="LPIPS"):
        leaderboard(BOARD["0.15"], ("Team", "LPIPS"))
    assert set(COLUMNS) <= set(CELLS)


def test_team_without_a_target_has_no_average() -> None:
    table = average_table(BOARD)
    assert table["Team"].tolist() == ["winner (published)", "a|b", "JPEG"]
    assert table["Average"].tolist() == ["33.500", "31.500", ""]
    assert table["0.3"].tolist() == ["34.500", "33.000", ""]


def test_every_measured_row_of_the_file_tells_how_it_was_measured() -> None:
    table = records(BOARD)
    measured = table[table["source"] == ""]
    for name in ("commit", "bundle_sha256", "torch", "threads", "device", "date"):
        assert measured[name].tolist()[1:] == [getattr(ORIGIN, name)] * 2
        assert table[table["source"] != ""][name].isna().all()
    assert measured["settings"].tolist() == ["quality 5", "", ""]


def test_markdown_keeps_names_with_bars_in_one_cell_and_lists_problems() -> None:
    text = board_markdown(BOARD, board_tables(BOARD, COLUMNS), [Problem("b/0.3/x.png", "missing")])
    assert "| a\\|b | 0.90000 | 30.000 |" in text
    assert "- b/0.3/x.png: missing" in text
    assert "Published rows: a paper, Table 1." in text
    assert "| a\\|b | 0.3 | c0ffee |" in text
    assert "nan" not in text


def test_picture_is_drawn_of_full_and_of_empty_tables() -> None:
    empty: dict[str, list[Row]] = {"0.15": [], "0.3": []}
    for board in (BOARD, empty):
        with Image.open(io.BytesIO(board_plot(board_tables(board, COLUMNS)))) as picture:
            assert picture.format == "PNG"
            assert picture.width > 500


def test_name_that_looks_like_a_formula_is_drawn_as_it_is() -> None:
    board = {"0.15": [Row(r"$\foo$", {"psnr": 30.0, "ms-ssim": 0.9}), Row("a$b$c", {"psnr": 29.0, "ms-ssim": 0.9})]}
    assert board_plot(board_tables(board, COLUMNS))


def test_published_rows_are_shown_on_the_very_same_pictures_alone(validation_set: dict[str, int]) -> None:
    assert len(validation_set) == 41
    shown = published_rows(validation_set, ["0.075", "0.15", "0.5"])
    assert [len(rows) for rows in shown.values()] == [10, 10, 0]
    assert all(row.source and row.label.endswith("(published)") for rows in shown.values() for row in rows)
    name = next(iter(validation_set))
    others = (
        {key: count for key, count in validation_set.items() if key != name},
        validation_set | {"further": 1},
        validation_set | {name: validation_set[name] + 1},
        {("renamed" if key == name else key): count for key, count in validation_set.items()},
    )
    for pixels in others:
        assert published_rows(pixels, ["0.15"]) == {"0.15": []}
