from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skimage.data
from PIL import Image

from decoder_pkg.commands import DATA_ZIP
from encoder.candidates import CandidateCache
from encoder.models import Zoo
from eval.command_line import call_module
from eval.storage import write_atomically
from submission.commands.leaderboard import parse_entry
from submission.leaderboard.entries import Contest, EntryError, TeamEntry, judge
from submission.package.decoder_zip import WHEELS, build_decoder_zip, bundle_sha256
from submission.package.pack import pack_submission, pack_targets
from submission.package.zips import build_zip
from submission.seasons import season
from tests.paths import GOLDEN, ROOT

TARGETS = ("0.15", "0.5")
PIXELS = 130 * 200 + 99 * 161


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    Image.fromarray(skimage.data.astronaut()[:130, :200]).save(folder / "one.png")
    Image.fromarray(skimage.data.rocket()[:99, :161]).save(folder / "two.png")
    return folder


@pytest.fixture(scope="module")
def dist(golden_zoo: Zoo, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A submission packed with the golden model."""
    folder = tmp_path_factory.mktemp("dist")
    files = sorted(photos.iterdir())
    write_atomically(folder / "decoder.zip", build_decoder_zip(GOLDEN / "decoder", ROOT / WHEELS).data)
    pack_targets(golden_zoo, files, TARGETS, folder, CandidateCache(folder / "cache"))
    pack_submission(folder, TARGETS)
    return folder


@pytest.fixture
def decoded(photos: Path, tmp_path: Path) -> Path:
    """A folder entry: pictures a little darker than the originals, with byte counts."""
    folder = tmp_path / "decoded"
    for target in TARGETS:
        (folder / target / "images").mkdir(parents=True)
        (folder / target / "bytes.txt").write_text("700\n")
        for photo in photos.iterdir():
            pixels = np.asarray(Image.open(photo))
            Image.fromarray(pixels - (pixels > 9)).save(folder / target / "images" / photo.name)
    return folder


@pytest.fixture
def contest(photos: Path, tmp_path: Path) -> Contest:
    budgets = {target: -(-PIXELS * int(float(target) * 1000) // 8000) for target in TARGETS}
    return Contest(photos, budgets, season(2021), tmp_path / "work")


def problems(entry: Path, contest: Contest, target: str = "0.15") -> list[str]:
    with pytest.raises(EntryError) as caught:
        judge(TeamEntry("team", entry), target, contest)
    return [f"{problem.where}: {problem.message}" for problem in caught.value.problems]


def test_zip_and_folder_of_one_submission_have_one_score(dist: Path, contest: Contest) -> None:
    packed, loose = (judge(TeamEntry("team", path), "0.15", contest) for path in (dist / "submission.zip", dist))
    assert packed.contestant.score == loose.contestant.score
    assert packed.row.data_bytes == loose.row.data_bytes == (dist / "0.15" / DATA_ZIP).stat().st_size
    assert packed.row.decoder_bytes == (dist / "decoder.zip").stat().st_size
    assert packed.row.seconds is not None
    assert sorted(packed.contestant.pictures) == ["one.png", "two.png"]
    assert all(path.is_file() for path in packed.contestant.pictures.values())


def test_row_names_the_weights_that_decoded(golden_zoo: Zoo, dist: Path, contest: Contest) -> None:
    row = judge(TeamEntry("team", dist), "0.5", contest).row
    assert row.provenance is not None
    assert row.provenance.bundle_sha256 == bundle_sha256(dist / "decoder.zip")
    assert row.provenance.bundle_sha256 == golden_zoo.bundle.digest.hex()


def test_package_of_another_make_has_no_bundle(tmp_path: Path) -> None:
    for members in ({"decode": b""}, {"decoder_pkg/weights/manifest.json": b"[" * 10**5}):
        (tmp_path / "decoder.zip").write_bytes(build_zip(members))
        assert bundle_sha256(tmp_path / "decoder.zip") == "unknown"


def test_decoded_folder_is_scored_with_its_byte_count(decoded: Path, contest: Contest) -> None:
    row = judge(TeamEntry("team", decoded), "0.15", contest).row
    assert (row.data_bytes, row.decoder_bytes, row.seconds) == (700, None, None)
    assert row.values["psnr"] == pytest.approx(49, abs=1)


def test_data_file_counts_at_its_size(decoded: Path, contest: Contest) -> None:
    (decoded / "0.15" / "bytes.txt").unlink()
    (decoded / "0.15" / DATA_ZIP).write_bytes(bytes(123))
    assert judge(TeamEntry("team", decoded), "0.15", contest).row.data_bytes == 123


def test_exactly_the_budget_is_accepted_and_one_byte_more_is_not(decoded: Path, contest: Contest) -> None:
    budget = contest.budgets["0.15"]
    (decoded / "0.15" / "bytes.txt").write_text(str(budget))
    assert judge(TeamEntry("team", decoded), "0.15", contest).row.data_bytes == budget
    (decoded / "0.15" / "bytes.txt").write_text(str(budget + 1))
    assert problems(decoded, contest) == [f"team/0.15: takes {budget + 1} bytes, 1 over the budget"]


def test_submission_over_the_budget_is_not_even_run(dist: Path, contest: Contest, tmp_path: Path) -> None:
    shutil.copytree(dist, tmp_path / "large")
    (tmp_path / "large" / "0.15" / DATA_ZIP).write_bytes(bytes(contest.budgets["0.15"] + 5))
    assert problems(tmp_path / "large", contest) == [
        f"team/0.15/bs.zip: takes {contest.budgets['0.15'] + 5} bytes, 5 over the budget"
    ]


def test_part_of_a_zip_that_is_too_large_is_not_read_into_memory(
    dist: Path, contest: Contest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("submission.leaderboard.entries.read_member", lambda *_: pytest.fail("read"))
    whole = tmp_path / "submission.zip"
    whole.write_bytes((dist / "submission.zip").read_bytes())
    small = replace(contest, rules=replace(contest.rules, decoder_limit=1000))
    (text,) = problems(whole, small)
    assert text.startswith("team/decoder.zip: takes ")
    assert text.endswith("over the season's limit")


@pytest.mark.parametrize("count", ["", "0", "-5", "7e2", "²", "0x10", "700 bytes", "1" * 5000, "1" * 10**7])
def test_byte_count_that_is_no_number_is_a_problem(decoded: Path, contest: Contest, count: str) -> None:
    (decoded / "0.15" / "bytes.txt").write_text(count)
    assert "is no number of bytes" in problems(decoded, contest)[0]


def test_empty_data_is_a_problem(decoded: Path, contest: Contest) -> None:
    (decoded / "0.15" / "bytes.txt").unlink()
    (decoded / "0.15" / DATA_ZIP).write_bytes(b"")
    assert "is empty" in problems(decoded, contest)[0]


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", "DeepMC (published)"])
def test_name_that_cannot_be_shown_or_looks_published_is_refused(decoded: Path, name: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        parse_entry(f"{name}={decoded}")


def test_unknown_or_doubled_byte_count_is_a_problem(decoded: Path, contest: Contest) -> None:
    (decoded / "0.15" / DATA_ZIP).write_bytes(b"1")
    assert "needs either" in problems(decoded, contest)[0]
    (decoded / "0.15" / DATA_ZIP).unlink()
    (decoded / "0.15" / "bytes.txt").unlink()
    assert "needs either" in problems(decoded, contest)[0]


def test_missing_target_is_a_problem(decoded: Path, dist: Path, contest: Contest, tmp_path: Path) -> None:
    shutil.rmtree(decoded / "0.15")
    assert problems(decoded, contest)[0].startswith("team/0.15: no such folder")
    pack_submission(shutil.copytree(dist, tmp_path / "half"), ["0.5"])
    assert problems(tmp_path / "half" / "submission.zip", contest) == ["team/0.15/bs.zip: not in submission.zip"]


def test_wrong_pictures_are_listed_with_team_target_and_file(decoded: Path, contest: Contest) -> None:
    (decoded / "0.15" / "images" / "one.png").write_bytes(b"")
    (decoded / "0.15" / "images" / "two.png").unlink()
    found = problems(decoded, contest)
    assert [line.split(":")[0] for line in found] == ["team/0.15/two.png", "team/0.15/one.png"]


@pytest.mark.long
@pytest.mark.parametrize("year", [2019, 2020])
def test_submission_of_an_older_season_is_judged_by_its_own_layout(
    golden_zoo: Zoo, photos: Path, dist: Path, contest: Contest, tmp_path: Path, year: int
) -> None:
    """Other names of the data, and one zip for everything."""
    rules, folder = season(year), tmp_path / "old"
    write_atomically(folder / "decoder.zip", (dist / "decoder.zip").read_bytes())
    pack_targets(golden_zoo, sorted(photos.iterdir()), ["0.15"], folder, CandidateCache(folder / "cache"), rules=rules)
    pack_submission(folder, ["0.15"], rules)
    entry = TeamEntry("team", folder / "submission.zip")
    result = judge(entry, "0.15", replace(contest, rules=rules))
    assert result.row.data_bytes == (folder / "0.15" / rules.data_name).stat().st_size
    assert result.row.values["psnr"] == judge(TeamEntry("team", dist), "0.15", contest).row.values["psnr"]


def test_failed_rehearsal_is_a_problem_with_its_log(dist: Path, contest: Contest, tmp_path: Path) -> None:
    broken = shutil.copytree(dist, tmp_path / "broken")
    (broken / "0.15" / DATA_ZIP).write_bytes(b"no zip")
    found = problems(broken, contest)
    assert "DamagedZip" in found[0]
    assert "team/0.15/one.png: missing" in found


def test_season_limits_forbid_a_row(dist: Path, contest: Contest) -> None:
    slow = replace(contest, rules=replace(contest.rules, seconds=0))
    assert "the time limit of" in problems(dist, slow)[0]
    large = replace(contest, rules=replace(contest.rules, decoder_limit=1000))
    assert "over the season's limit" in problems(dist, large)[0]


def test_files_that_are_no_zips_are_problems(dist: Path, contest: Contest, tmp_path: Path) -> None:
    (tmp_path / "submission.zip").write_bytes(b"no zip")
    assert "cannot be read" in problems(tmp_path / "submission.zip", contest)[0]
    broken = shutil.copytree(dist, tmp_path / "broken")
    (broken / "decoder.zip").write_bytes(b"no zip")
    assert "the rehearsal failed" in problems(broken, contest)[0]


def run(*arguments: object) -> int:
    words = [*map(str, arguments), "--targets", *TARGETS, "--baselines", "none"]
    return call_module("leaderboard", "submission.commands.leaderboard", words)


def test_entry_with_a_problem_has_no_row_and_the_exit_code_tells(
    dist: Path,
    decoded: Path,
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (decoded / "0.5" / "images" / "one.png").unlink()
    entries = f"golden={dist}", f"dark={decoded}"
    assert run(*entries, "--images", photos, "--output", tmp_path / "out", "--sheet", "golden") == 1
    table = pd.read_csv(tmp_path / "out" / "leaderboard.csv", dtype=str)
    assert table[["target", "team"]].to_numpy().tolist() == [["0.15", "dark"], ["0.15", "golden"], ["0.5", "golden"]]
    captured = capsys.readouterr()
    assert "dark/0.5/one.png: missing" in captured.out
    assert "dark/0.5/one.png: missing" in (tmp_path / "out" / "leaderboard.md").read_text()
    assert (tmp_path / "out" / "dark-golden-0.15.png").is_file()
    pictures = pd.read_csv(tmp_path / "out" / "dark-golden-0.15.csv")
    assert pictures["commit"].notna().all()
    assert pictures["gain (dB)"].is_monotonic_increasing
    assert not (tmp_path / "out" / "dark-golden-0.5.png").exists()


def test_entries_of_one_name_and_unknown_sheets_are_refused(decoded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        (f"a={decoded}", f"a={decoded}"),
        (f"JPEG={decoded}",),
        (f"a={decoded}", "--sheet", "nobody"),
        (f"../a={decoded}",),
        ("a=/does/not/exist",),
        (str(decoded),),
    ):
        with pytest.raises(SystemExit):
            run(*arguments)
        assert "error" in capsys.readouterr().err


def test_output_never_lands_in_what_is_read(dist: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (dist, photos):
        before = sorted(folder.rglob("*"))
        assert run(f"a={dist}", "--images", photos, "--output", folder) == 1
        assert "is the input" in capsys.readouterr().err
        assert sorted(folder.rglob("*")) == before
