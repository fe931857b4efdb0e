from __future__ import annotations

from encoder.presets import PRESETS
from encoder.refinement.methods import METHODS


def test_presets_name_methods_that_exist() -> None:
    assert {preset.method for preset in PRESETS} <= {"", *(method.name for method in METHODS)}
