from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from eval.pictures import load
from eval.problems import Severity
from eval.score import score_folder
from tests.pngs import write_png

RNG = np.random.default_rng(1)


def save(path: Path, shape: tuple[int, ...] = (40, 50, 3)) -> None:
    """A slope with a little noise: pictures of one shape are similar, none are equal."""
    path.parent.mkdir(parents=True, exist_ok=True)
    slope = np.linspace(0, 240, int(np.prod(shape))).reshape(shape)
    Image.fromarray((slope + RNG.integers(0, 16, shape)).astype(np.uint8)).save(path)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("a", "b"):
        save(tmp_path / "originals" / f"{name}.png")
        save(tmp_path / "decoded" / "images" / f"{name}.png")
    return tmp_path / "originals", tmp_path / "decoded"


def messages(folders: tuple[Path, Path]) -> list[str]:
    score, problems = score_folder(*folders)
    assert score is None
    return [f"{problem.where}: {problem.message}" for problem in problems]


def test_pipe_in_place_of_an_original_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "originals").mkdir()
    save(tmp_path / "decoded" / "a.png")
    os.mkfifo(tmp_path / "originals" / "a.png")
    score, problems = score_folder(tmp_path / "originals", tmp_path / "decoded")
    assert score is None
    assert [str(problem) for problem in problems] == ["error: a.png: the original is no file"]


def test_pictures_in_any_subfolder_are_found(folders: tuple[Path, Path]) -> None:
    score, problems = score_folder(*folders)
    assert score is not None
    assert not problems
    assert [p.name for p in score.pictures] == ["a", "b"]
    assert 30 < score.values["psnr"] < 33
    assert 0.5 < score.values["ms-ssim"] < 1


def test_missing_picture_forbids_a_score(folders: tuple[Path, Path]) -> None:
    (folders[1] / "images" / "a.png").unlink()
    assert messages(folders) == ["a.png: missing"]


def test_extra_picture_forbids_a_score(folders: tuple[Path, Path]) -> None:
    save(folders[1] / "c.png")
    assert messages(folders) == ["c.png: not among the originals"]


def test_doubled_picture_forbids_a_score(folders: tuple[Path, Path]) -> None:
    save(folders[1] / "again" / "a.png")
    assert "second picture" in messages(folders)[0]


def test_wrong_size_forbids_a_score(folders: tuple[Path, Path]) -> None:
    save(folders[1] / "images" / "a.png", (40, 49, 3))
    assert messages(folders) == ["a.png: is 49x40, the original 50x40"]


def test_samples_of_a_wrongly_sized_picture_are_not_read(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small file may hold hundreds of megabytes of them."""
    wrong = folders[1] / "images" / "a.png"
    save(wrong, (41, 50, 3))
    read: list[Path] = []

    def noted(path: Path, image: Image.Image) -> None:
        read.append(path)
        load(path, image)

    monkeypatch.setattr("eval.score.load", noted)
    assert messages(folders) == ["a.png: is 50x41, the original 50x40"]
    assert wrong not in read


def test_grey_picture_forbids_a_score(folders: tuple[Path, Path]) -> None:
    save(folders[1] / "images" / "a.png", (40, 50))
    assert "colour type 0" in messages(folders)[0]


def test_sixteen_bits_are_not_taken_for_eight(folders: tuple[Path, Path]) -> None:
    """Pillow opens such a file as 8-bit RGB."""
    victim = folders[1] / "images" / "a.png"
    with Image.open(victim) as image:
        width, height = image.size
    parts = [
        (b"IHDR", width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x10\x02\0\0\0"),
        (b"IDAT", zlib.compress(bytes(height * (1 + 6 * width)))),
        (b"IEND", b""),
    ]
    chunks = (
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big") for kind, data in parts
    )
    victim.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    assert messages(folders) == ["a.png: has 16 bits a sample and PNG colour type 2, not 8-bit RGB"]


def test_jpeg_is_not_taken_for_a_png(folders: tuple[Path, Path]) -> None:
    with Image.open(folders[1] / "images" / "a.png") as image:
        image.save(folders[1] / "images" / "a.png", format="JPEG")
    assert messages(folders) == ["a.png: is no PNG file, whatever its name says"]


def test_no_decoded_pictures_at_all_are_each_named(folders: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    _, problems = score_folder(folders[0], tmp_path / "empty")
    assert [problem.message for problem in problems] == ["missing"] * len(list(folders[0].glob("*.png")))


def test_empty_file_forbids_a_score(folders: tuple[Path, Path]) -> None:
    (folders[1] / "images" / "a.png").write_bytes(b"")
    assert messages(folders)[0].startswith("a.png: cannot be read")


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_what_is_no_file_neither_scores_nor_hangs(folders: tuple[Path, Path], kind: str) -> None:
    victim = folders[1] / "images" / "a.png"
    victim.unlink()
    if kind == "link":
        victim.symlink_to(folders[0] / "a.png")
    elif kind == "pipe":
        os.mkfifo(victim)
    else:
        victim.mkdir()
    assert messages(folders) == ["images/a.png: is a link, a pipe or a folder, not a file", "a.png: missing"]


def test_folder_without_originals_forbids_a_score(tmp_path: Path) -> None:
    assert "no original" in messages((tmp_path, tmp_path))[0]


def test_cut_and_scrambled_files_are_problems_not_crashes(folders: tuple[Path, Path]) -> None:
    victim = folders[1] / "images" / "a.png"
    data = victim.read_bytes()
    for position in range(8, len(data) - 40, max(1, len(data) // 25)):
        for damaged in (data[:position], data[:position] + bytes([data[position] ^ 0x5A]) + data[position + 1 :]):
            victim.write_bytes(damaged)
            assert messages(folders)[0].startswith("a.png: ")


@pytest.mark.parametrize("name", ["c.PNG", "c.jpg", "more/c.png"])
def test_original_that_would_not_be_scored_forbids_a_score(folders: tuple[Path, Path], name: str) -> None:
    path = folders[0] / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"")
    assert messages(folders) == [f"{name}: cannot be an original: those are .png files without subfolders"]


def test_damaged_original_is_named_as_such(folders: tuple[Path, Path]) -> None:
    (folders[0] / "a.png").write_bytes(b"")
    assert messages(folders)[0].startswith("a.png: the original cannot be read")


def test_huge_picture_is_a_problem_not_a_crash(folders: tuple[Path, Path]) -> None:
    """A header that promises more pixels than memory holds."""
    header = b"IHDR" + (60000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    chunks = (len(header) - 4).to_bytes(4, "big") + header + zlib.crc32(header).to_bytes(4, "big")
    (folders[1] / "images" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    assert messages(folders)[0].startswith("a.png: cannot be read")


def test_all_problems_are_listed_at_once(folders: tuple[Path, Path]) -> None:
    (folders[1] / "images" / "a.png").unlink()
    save(folders[1] / "images" / "b.png", (40, 50))
    save(folders[1] / "images" / "c.png")
    assert messages(folders) == [
        "a.png: missing",
        "c.png: not among the originals",
        "b.png: has 8 bits a sample and PNG colour type 0, not 8-bit RGB",
    ]


def test_scores_do_not_depend_on_the_number_of_cores(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    both, _ = score_folder(*folders)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
    assert score_folder(*folders)[0] == both


def test_scoring_leaves_the_callers_threads_alone(folders: tuple[Path, Path]) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        score_folder(*folders)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_png_with_too_few_rows_is_not_scored_on_black(folders: tuple[Path, Path]) -> None:
    write_png(folders[1] / "images" / "a.png", (50, 40), bytes(151 * 39))
    (text,) = messages(folders)
    assert "a.png: cannot be read" in text
    assert "fewer rows" in text


@pytest.mark.parametrize("name", ["._a.png", ".hidden.png"])
def test_hidden_files_beside_pictures_are_told_and_passed_over(folders: tuple[Path, Path], name: str) -> None:
    for folder in folders:
        (folder / name).write_bytes(b"x")
        (folder / ".DS_Store").touch()
    score, problems = score_folder(*folders)
    assert score is not None
    assert len(score.pictures) == 2
    assert [(problem.where, problem.severity) for problem in problems] == 2 * [(name, Severity.WARNING)]
