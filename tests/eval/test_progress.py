from __future__ import annotations

import re

import pytest

from eval.progress import Progress


def shown(capsys: pytest.CaptureFixture[str]) -> tuple[str, int]:
    """Phase and percentage that are shown last."""
    last = [line for line in re.split(r"[\r\n]", capsys.readouterr().err) if line][-1]
    found = re.match(r"(.*?): +(\d+)%\|.*<", last)
    assert found
    return found[1], int(found[2])


@pytest.fixture
def progress(monkeypatch: pytest.MonkeyPatch) -> Progress:
    monkeypatch.setenv("TQDM_MININTERVAL", "0")
    progress = Progress()
    progress.expect({"encoding": 60.0, "rehearsal": 20.0, "baselines": 20.0})
    return progress


def test_end_of_a_phase_is_not_shown_as_that_of_the_run(progress: Progress, capsys: pytest.CaptureFixture[str]) -> None:
    progress.phase("prediction", 20.0)
    progress.advance(20.0)
    progress.phase("coding", 30.0)
    progress.advance(15.0)
    progress.phase("packing", 0.0)
    progress.close()
    assert shown(capsys) == ("packing", 35)


def test_work_that_was_expected_and_did_not_come_is_not_left(
    progress: Progress, capsys: pytest.CaptureFixture[str]
) -> None:
    progress.phase("prediction", 10.0)
    progress.advance(10.0)
    progress.begin("baselines")
    progress.phase("codecs", 5.0)
    progress.close()
    assert shown(capsys) == ("codecs", 80)


def test_more_work_than_was_expected_is_not_the_end(progress: Progress, capsys: pytest.CaptureFixture[str]) -> None:
    progress.phase("coding", 160.0)
    progress.advance(160.0)
    progress.close()
    assert shown(capsys) == ("coding", 80)


def test_whole_run_is_one_line_that_ends_full(progress: Progress, capsys: pytest.CaptureFixture[str]) -> None:
    for stage, work in (("encoding", 60.0), ("rehearsal", 20.0), ("baselines", 20.0)):
        progress.begin(stage)
        progress.phase(stage, work)
        for _ in range(3):
            progress.advance(work / 3)
    progress.phase("baselines", 1.0)
    progress.advance(1.0)
    progress.close()
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert text.rsplit("\r", 1)[1].startswith("baselines: 100%")


def test_run_without_stages_shows_its_phases(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    for name in ("prediction", "coding"):
        progress.phase(name, 2.0)
        progress.advance(1.0)
        progress.advance(1.0)
        assert shown(capsys) == (name, 100)
    progress.phase("packing", 0.0)
    assert not capsys.readouterr().err


def test_line_of_a_run_that_fails_is_closed(progress: Progress, capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> None:
        with progress:
            progress.phase("coding", 10.0)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        run()
    assert capsys.readouterr().err.endswith("\n")
