from __future__ import annotations

from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from encoder.candidates import CandidateCache
from encoder.models import Zoo
from eval.storage import write_atomically
from submission.package.decoder_zip import WHEELS, build_decoder_zip
from submission.package.originals import stage_originals
from submission.package.pack import pack_submission, pack_targets
from tests.paths import GOLDEN, ROOT


@pytest.fixture(autouse=True)
def _caches_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes to the working directory's caches, nor depends on what was built or frozen there."""
    for module in ("package.pack", "check.parts"):
        monkeypatch.setattr(f"submission.{module}.LOCK", tmp_path / "no lock")
    monkeypatch.setenv("CLIC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("submission.rehearsal.run.CONTAINER", tmp_path / "no container")


@pytest.fixture(scope="session")
def dist(golden_zoo: Zoo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole submission of two small photographs, packed with the golden model."""
    folder = tmp_path_factory.mktemp("dist")
    photos = tmp_path_factory.mktemp("photos")
    Image.fromarray(skimage.data.astronaut()[:130, :200]).save(photos / "one.png")
    Image.fromarray(skimage.data.rocket()[:99, :161]).save(photos / "two.jpg", quality=95)
    files = stage_originals(sorted(photos.iterdir()), folder / "originals")
    write_atomically(folder / "decoder.zip", build_decoder_zip(GOLDEN / "decoder", ROOT / WHEELS).data)
    pack_targets(golden_zoo, files, ["0.15", "0.3"], folder, CandidateCache(photos / "cache"))
    pack_submission(folder, ["0.15", "0.3"])
    return folder
