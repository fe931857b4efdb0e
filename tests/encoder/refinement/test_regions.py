from __future__ import annotations

import torch

from decoder_pkg.codecs import HYPER_LATENTS, LATENTS
from encoder.refinement.regions import BestRegions, Seen


def test_each_region_keeps_the_latents_and_hyper_latents_under_which_it_cost_least() -> None:
    cheap, dear = torch.ones(1, 1, 3, 22), torch.full((1, 1, 3, 22), 5.0)
    regions = BestRegions()
    for value, cells in ((0.0, [cheap, dear]), (1.0, [dear, cheap])):
        latents = {LATENTS: torch.full((1, 2, 3, 44), value), HYPER_LATENTS: torch.full((1, 3, 1, 11), value)}
        regions.see(Seen(latents, torch.cat(cells, dim=3)))
    gathered = regions.gather()
    y, z = gathered[LATENTS], gathered[HYPER_LATENTS]
    # Where both meet, hyper-latent 5 lies half on either side.
    assert y[0, 1, 2].tolist() == [0.0] * 22 + [1.0] * 22
    assert z[0, 2, 0].tolist()[:5] == [0.0] * 5
    assert z[0, 2, 0].tolist()[6:] == [1.0] * 5


def test_what_the_best_regions_were_is_forgotten_once_they_lie_side_by_side() -> None:
    regions = BestRegions()
    for value, cost in ((1.0, 1.0), (2.0, 5.0)):
        latents = {LATENTS: torch.full((1, 2, 4, 4), value), HYPER_LATENTS: torch.full((1, 3, 1, 1), value)}
        regions.see(Seen(latents, torch.full((1, 1, 4, 4), cost)))
        gathered = regions.gather()
        assert gathered.keys() == latents.keys()
        assert all(bool((part == value).all()) for part in gathered.values())
