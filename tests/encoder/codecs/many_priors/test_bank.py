from __future__ import annotations

import torch

from encoder.codecs.likelihoods import information
from encoder.codecs.many_priors.bank import TABULATED, FloatPriorBank

PRIORS, CHANNELS = 5, 4


def random_bank() -> FloatPriorBank:
    torch.manual_seed(1)
    bank = FloatPriorBank(PRIORS, CHANNELS)
    with torch.no_grad():
        for parameter in bank.parameters():
            parameter.add_(torch.randn(parameter.shape))
    return bank


def test_cheapest_prior_is_that_of_fewest_bits_with_its_index_large_symbols_too() -> None:
    bank, gains = random_bank(), torch.tensor([0, 40])
    symbols = (torch.randn(2, CHANNELS, 6, 7) * 30).round()
    symbols[:, :, :3] /= 10
    symbols = symbols.round()
    assert (symbols.abs() > TABULATED).any()
    costs = []
    for prior in range(PRIORS):
        index = torch.full((2, 1, 6, 7), prior)
        own = information(bank.likelihood(symbols, index)).sum(1, keepdim=True)
        costs.append(own + information(bank.index.likelihood(index, gains)))
    every = torch.cat(costs, 1)
    chosen = bank.cheapest(symbols, gains)
    small = (symbols.abs() <= TABULATED).all(1)
    assert torch.equal(chosen[:, 0][small], every.argmin(1)[small])
    assert (every.gather(1, chosen)[:, 0] <= 1.02 * every.amin(1)).all()
    assert len(set(chosen.flatten().tolist())) > 2


def test_idle_priors_become_rivals_of_those_that_take_most_bits_and_others_stay() -> None:
    bank, gains = random_bank(), torch.zeros(2, dtype=torch.int64)
    symbols = (torch.randn(2, CHANNELS, 6, 7) * 5).round()
    bank.used[bank.cheapest(symbols, gains).flatten()] = 1
    bank.used[:2] = 0
    idle, before = (bank.used == 0), bank.densities.log_scale.detach().clone().view(PRIORS, CHANNELS, 3)
    bank.seed_idle(symbols, gains, torch.Generator().manual_seed(1))
    after = bank.densities.log_scale.detach().view(PRIORS, CHANNELS, 3)
    assert torch.equal(after[~idle], before[~idle])
    assert (after[idle] != before[idle]).any(2).all()
    distances = (after[idle][:, None] - before[None]).abs().amax((2, 3)).amin(1)
    assert (distances < 1.5).all()
    assert not bank.used.any()
    again = [random_bank() for _ in range(2)]
    for other in again:
        other.seed_idle(symbols, gains, torch.Generator().manual_seed(3))
    assert torch.equal(again[0].densities.log_scale, again[1].densities.log_scale)


def test_probabilities_of_other_numbers_than_indices_are_zero() -> None:
    bank, gains = random_bank(), torch.tensor([8])
    values = torch.tensor([-1.0, 0.0, PRIORS - 1.0, PRIORS])[None, None, None]
    found = bank.index.likelihood(values, gains)[0, 0, 0]
    assert (found > 0).tolist() == [False, True, True, False]
