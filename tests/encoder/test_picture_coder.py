from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from decoder_pkg.codecs import CodingSetting
from encoder.cache import CandidateCache
from encoder.candidates import Candidate
from encoder.coding import AnalysedPicture
from encoder.picture_coder import SWEEP, PictureCoder
from encoder.presets import Preset
from encoder.weights import Zoo
from tests.encoder.refining import MULTIPLIER, small

Pixels = NDArray[np.uint8]


def coder(zoo: Zoo, pixels: Pixels, folder: Path) -> PictureCoder:
    return PictureCoder(pixels, zoo, CandidateCache(folder))


def test_interrupted_sweep_goes_on_where_it_stopped(
    golden_zoo: Zoo, photo: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = photo[:48, :48]
    first = []
    for measured in coder(golden_zoo, pixels, tmp_path).sweep():
        first.append(measured)
        if len(first) == 5:
            break
    calls = []
    honest = AnalysedPicture.encode

    def counted(self: AnalysedPicture, setting: CodingSetting, *others: Any) -> tuple[Candidate, Pixels]:
        calls.append((setting.gain.base, setting.q))
        return honest(self, setting, *others)

    monkeypatch.setattr(AnalysedPicture, "encode", counted)
    again = list(coder(golden_zoo, pixels, tmp_path).sweep())
    assert again[:5] == first
    assert calls == [*SWEEP[5:], *SWEEP]  # the rest of the first model, and the second one


def test_damaged_cache_file_is_made_again(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    pixels = photo[:48, :48]
    honest = coder(golden_zoo, pixels, tmp_path).encode(7, 24)
    (path,) = tmp_path.iterdir()
    for damage in (b"", b"{", path.read_bytes()[:50]):
        path.write_bytes(damage)
        assert coder(golden_zoo, pixels, tmp_path).encode(7, 24) == honest


def test_other_pictures_do_not_share_cached_results(golden_zoo: Zoo, photo: Pixels, tmp_path: Path) -> None:
    one = coder(golden_zoo, photo[:48, :48], tmp_path).encode(7, 24)
    other = coder(golden_zoo, photo[48:96, :48], tmp_path).encode(7, 24)
    assert one != other


def test_refined_candidates_are_kept(
    golden_zoo: Zoo, photo: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = CandidateCache(tmp_path)
    preset = Preset("once", "local", 4, 2, survivors=2)
    refined = PictureCoder(small(photo), golden_zoo, cache).refine(MULTIPLIER, preset)

    def fail(*arguments: object) -> None:
        raise AssertionError("refined again")

    monkeypatch.setattr("encoder.picture_coder.search_latents", fail)
    assert PictureCoder(small(photo), golden_zoo, cache).refine(MULTIPLIER, preset) == refined
    with pytest.raises(AssertionError, match="refined again"):
        PictureCoder(small(photo), golden_zoo, cache).refine(2 * MULTIPLIER, preset)
