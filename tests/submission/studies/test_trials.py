from __future__ import annotations

import sys
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import skimage.data
from PIL import Image

from encoder.models import Zoo
from encoder.refinement.methods import REFINEMENT_VERSION
from eval.command_line import call_module
from eval.report.curves import KODAK_PICTURES, MEAN, published_curves
from rate_control.allocation.table import TableError
from rate_control.engines import Here
from submission.studies import trials
from submission.studies.trials import PLAIN, RDOQ, Trial, run, table


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    Image.fromarray(skimage.data.coffee()[:64, :80]).save(tmp_path / "one.png")
    Image.fromarray(skimage.data.astronaut()[:80, :64]).save(tmp_path / "two.png")
    return sorted(tmp_path.glob("*.png"))


def test_every_setting_is_compared_with_plain_rounding(golden_zoo: Zoo, files: list[Path], tmp_path: Path) -> None:
    found = run(files, [PLAIN, RDOQ, ("local", 3)], golden_zoo, tmp_path / "trials.csv", Here())
    assert len(found) == 2 * 3 * len(trials.GAINS)
    rows = table(found)
    delta = dict(zip(rows["method"], rows["BD-rate (%)"].tolist(), strict=True))
    assert delta[PLAIN[0]] == pytest.approx(0)
    assert delta["local"] < 0
    assert (rows["pictures"] == 2).all()


def test_kodak_trials_stand_beside_the_published_anchor() -> None:
    (anchor,) = (row for row in published_curves(KODAK_PICTURES) if (row.name, row.kind) == (trials.ANCHOR, MEAN))
    points = [
        (round(1.1 * bpp * 768 * 512 / 8), psnr) for bpp, psnr in zip(anchor.bpp, anchor.values["psnr"], strict=True)
    ]
    found = pd.DataFrame(
        [
            {"picture": name, "method": PLAIN[0], "iterations": 0, "gain": gain, "bytes": size, "pixels": pixels}
            | {"psnr_db": psnr, "deviation": 0.0, "seconds": 0.0}
            for name, pixels in KODAK_PICTURES.items()
            for gain, (size, psnr) in enumerate(points)
        ]
    )
    assert table(found)["against VTM (%)"].tolist() == pytest.approx([10], abs=0.1)
    others = found[found["picture"] != "kodim07"]
    assert table(others)["against VTM (%)"].isna().all()


def test_known_trials_are_not_made_again(golden_zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where names look like numbers or like no value."""
    for name in ("01", "NA"):
        Image.fromarray(skimage.data.coffee()[:64, :80]).save(tmp_path / f"{name}.png")
    files, output = [tmp_path / "01.png", tmp_path / "NA.png"], tmp_path / "trials.csv"
    first = run(files[:1], [PLAIN], golden_zoo, output, Here())
    made = []
    original = trials.run_job

    def watched(job: trials.TrialJob) -> trials.Trial:
        made.append((job.file.stem, job.gain))
        return original(job)

    monkeypatch.setattr(trials, "run_job", watched)
    for _ in range(2):
        assert set(run(files[1:], [PLAIN], golden_zoo, output, Here())["picture"]) == {"NA"}
        assert made == [("NA", gain) for gain in trials.GAINS]
    kept = pd.read_csv(output, dtype=str)
    assert kept[kept["picture"] == "01"]["bytes"].tolist() == [str(size) for size in first["bytes"]]


def test_picture_of_the_same_name_is_not_taken_for_another(golden_zoo: Zoo, tmp_path: Path) -> None:
    sizes = []
    for photograph in (skimage.data.coffee(), skimage.data.astronaut()):
        Image.fromarray(photograph[:64, :80]).save(tmp_path / "one.png")
        sizes.append(
            run([tmp_path / "one.png"], [PLAIN], golden_zoo, tmp_path / "trials.csv", Here())["bytes"].tolist()
        )
    assert len(sizes[0]) == len(sizes[1])
    assert sizes[0] != sizes[1]


def test_two_runs_on_one_file_lose_no_row(golden_zoo: Zoo, files: list[Path], tmp_path: Path) -> None:
    """The second begins and ends while the first is at its jobs."""
    output = tmp_path / "trials.csv"

    class Late(Here):
        def map(self, function: Any, jobs: Sequence[Any], homes: Sequence[Hashable] = ()) -> Iterator[tuple[int, Any]]:
            run(files[1:], [PLAIN], golden_zoo, output, Here())
            yield from super().map(function, jobs, homes)

    run(files[:1], [PLAIN], golden_zoo, output, Late())
    assert pd.read_csv(output).groupby("picture").size().to_dict() == dict.fromkeys(["one", "two"], len(trials.GAINS))


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0", b"name,age\nme,7\n", b'"no end'])
def test_file_that_holds_no_trials_is_kept_and_named(
    golden_zoo: Zoo, files: list[Path], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "mine.csv").write_bytes(content)
    with pytest.raises(TableError, match=r"mine\.csv"):
        run(files, [PLAIN], golden_zoo, tmp_path / "mine.csv", Here())
    assert (tmp_path / "mine.csv").read_bytes() == content


@pytest.mark.parametrize("column", ["iterations", "gain", "bytes", "pixels", "psnr_db", "deviation", "seconds"])
@pytest.mark.parametrize("value", ["many", "", "inf"])
def test_trials_whose_numbers_are_none_are_kept_and_named(tmp_path: Path, column: str, value: str) -> None:
    row = {field.name: "1" for field in fields(Trial)} | {column: value}
    (tmp_path / "mine.csv").write_text(f"{','.join(row)}\n{','.join(row.values())}\n")
    with pytest.raises(TableError, match=rf"mine\.csv holds .* in column {column}"):
        trials._read(tmp_path / "mine.csv")


@pytest.mark.parametrize("options", [["--iterations", "0"], ["--every", "-1"], ["--images", "none"]])
def test_trials_that_cannot_be_made_are_refused_in_one_line(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        sys.exit(call_module("trials", "submission.commands.trials", ["--images", ".", *options]))
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert options[1] in error


def test_trials_of_an_older_method_count_for_nothing(
    golden_zoo: Zoo, files: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "trials.csv"
    run(files[:1], [PLAIN], golden_zoo, output, Here())
    monkeypatch.setattr("encoder.picture_coder.REFINEMENT_VERSION", REFINEMENT_VERSION + 1)
    again = run(files[:1], [PLAIN], golden_zoo, output, Here())
    assert len(again) == len(trials.GAINS)
    assert len(pd.read_csv(output)) == 2 * len(again)
