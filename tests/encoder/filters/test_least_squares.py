from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from decoder_pkg.pixels.filters.linear import COLOURS, FEATURES
from decoder_pkg.pixels.filters.linear_apply import REACH, features
from decoder_pkg.pixels.render import Tile
from decoder_pkg.pixels.tiles import spans
from encoder.coding import AnalysedPicture
from encoder.filters.least_squares import normal_equations, products_of
from encoder.models import Zoo
from tests.encoder.filters.pictures import FLAT, decoded_tiles

Pixels = NDArray[np.uint8]
MODULE = "encoder.filters.least_squares"


def test_equations_of_part_of_a_picture_are_scaled_to_all_of_it(
    filtered_zoo: Zoo, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = AnalysedPicture(photo, filtered_zoo.models[7])
    tiles = decoded_tiles(picture, 24)
    whole = normal_equations(photo, tiles)
    assert whole.matrix[0, 0] == photo.shape[0] * photo.shape[1]
    monkeypatch.setattr(f"{MODULE}.FEW", photo.shape[0] * photo.shape[1] // 9)
    part = normal_equations(photo, tiles)
    assert part.matrix[0, 0] == pytest.approx(whole.matrix[0, 0])
    assert np.trace(part.matrix) == pytest.approx(np.trace(whole.matrix), rel=0.02)
    monkeypatch.setattr(f"{MODULE}.FEW", 1)
    assert normal_equations(photo, tiles).matrix[0, 0] == pytest.approx(whole.matrix[0, 0])


def test_equations_do_not_depend_on_tiles(filtered_zoo: Zoo, photo: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, picture = photo[:83, :107], torch.rand(3, 96, 112, generator=torch.Generator().manual_seed(3))

    def equations(tile: int) -> NDArray[np.float64]:
        tiles = []
        for down in spans(6, tile, 1):
            for across in spans(7, tile, 1):
                rows = slice(16 * down.outer_start, 16 * down.outer_stop)
                columns = slice(16 * across.outer_start, 16 * across.outer_stop)
                tiles.append(Tile(picture[:, rows, columns], down, across))
        found = normal_equations(pixels, tiles)
        return np.concatenate([found.matrix, found.vector], axis=1)

    assert np.allclose(equations(8), equations(3), rtol=1e-3, atol=20)
    assert equations(8).shape == (FEATURES, FEATURES + COLOURS)


@pytest.mark.parametrize("name", ["photograph", *FLAT])
def test_products_lose_nothing_of_what_rows_deviate_from_a_constant(photo: Pixels, name: str) -> None:
    """Float32 sums of whole levels would: what they lose looks like something to gain."""
    pixels = photo[:96, :128] if name == "photograph" else FLAT[name]
    levels = torch.from_numpy(np.ascontiguousarray(pixels, dtype=np.float32)).permute(2, 0, 1)
    noise = 0.001 * torch.randn(3, 96, 128, generator=torch.Generator().manual_seed(1))
    rows = torch.cat([levels, levels + noise, 1e-3 * (levels - 128), torch.ones(1, 96, 128)]).flatten(1)
    exact = (rows.double() @ rows.double().T).numpy()
    centred = rows.double() - rows.double().mean(1, keepdim=True)
    spread = np.sqrt(np.diag((centred @ centred.T).numpy()))
    constant = np.abs(rows.double().mean(1).numpy()) * np.sqrt(rows.shape[1])
    mixed = np.multiply.outer(spread, constant)
    allowed = 1e-4 * np.multiply.outer(spread, spread) + 1e-7 * (mixed + mixed.T)
    allowed += 1e-9 * np.multiply.outer(constant, constant)
    assert (np.abs(products_of(rows) - exact) <= allowed).all()


@pytest.mark.parametrize("step", range(1, 9))
def test_columns_of_a_large_picture_are_taken_from_everywhere(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """The same columns in all rows would miss some places within a latent's 16 where the step is even."""
    monkeypatch.setattr(f"{MODULE}.FEW", 128 * 600 // step**2)
    seen: list[tuple[int, int]] = []

    def noted(block: torch.Tensor, step: int, out: torch.Tensor) -> torch.Tensor:
        inner = block[:, REACH:-REACH, REACH:-REACH:step].round().long()
        seen.extend(zip(inner[0].flatten().tolist(), (inner[1] + 256 * inner[2]).flatten().tolist(), strict=True))
        return features(block, step, out)

    monkeypatch.setattr(f"{MODULE}.features", noted)
    monkeypatch.setattr(f"{MODULE}.ROWS", 16)
    rows, columns = torch.arange(128)[:, None].expand(-1, 608), torch.arange(608).expand(128, -1)
    picture = torch.stack([rows, columns % 256, columns // 256]) / 255
    (down,), (across,) = spans(8, 64, 0), spans(38, 64, 0)
    normal_equations(np.zeros((128, 600, 3), np.uint8), [Tile(picture, down, across)])
    assert sorted(seen) == [(row, column) for row in range(128) for column in range(row // 16 % step, 600, step)]
    assert len({(row % 16, column % 16) for row, column in seen}) == 256
