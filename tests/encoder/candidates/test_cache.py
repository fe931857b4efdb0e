from __future__ import annotations

from pathlib import Path

import numpy as np

from encoder.candidates import CandidateCache
from encoder.models import Zoo
from encoder.picture_coder import PictureCoder


def test_damaged_candidate_is_made_anew(golden_zoo: Zoo, photo: np.ndarray, tmp_path: Path) -> None:
    """A payload with another letter is still base64, and still JSON."""
    coder, model = PictureCoder(photo[:48, :64], golden_zoo, CandidateCache(tmp_path)), next(iter(golden_zoo.models))
    expected = coder.encode(model, 24)
    (file,) = tmp_path.iterdir()
    text = file.read_text()
    start = text.index('"payload": "') + len('"payload": "')
    file.write_text(text[:start] + ("B" if text[start] == "A" else "A") + text[start + 1 :])
    assert coder.encode(model, 24) == expected
    assert file.read_text() == text
