from __future__ import annotations

import numpy as np
import pytest

from decoder_pkg.codecs.many_priors import INDEX_GRID
from decoder_pkg.entropy import CodingStep, Grid, new_payload, open_payload, shortest_payload
from decoder_pkg.entropy.coding_tables import decode_values
from decoder_pkg.entropy.prior_bank import BankSymbols
from decoder_pkg.errors import CorruptPayload
from encoder.codecs import coding_setting
from tests.decoder_pkg.pictures import random_picture
from tests.seeded import seeded_model

SIZE, SETTING = (40, 70), coding_setting(30, 128)


@pytest.mark.parametrize("index", [-1, 6, 300])
def test_index_of_no_prior_is_refused(index: int) -> None:
    codec = seeded_model("smoke-many-priors").decoder.codec
    coder = new_payload()

    def exchange(step: CodingStep) -> Grid:
        symbols = np.zeros(step.mean.shape, dtype=np.int32)
        symbols[-1] = index
        step.symbols.encode(coder, symbols)
        return symbols

    with pytest.raises(CorruptPayload, match="beyond the 6 of its model"):
        codec.walk(SIZE, SETTING, exchange)
    with pytest.raises(CorruptPayload, match="names a prior"):
        codec.decode(open_payload(shortest_payload(coder)), SIZE, SETTING)


def test_every_position_is_decoded_with_the_tables_that_it_names() -> None:
    """The tables are taken one by one, in the order of FORMAT.md."""
    codec = seeded_model("smoke-many-priors").decoder.codec
    picture = random_picture(codec, SIZE, SETTING)
    assert len(np.unique(picture.integers[INDEX_GRID])) > 3
    model, symbols = picture.steps[1].symbols, picture.symbols[1]
    assert isinstance(model, BankSymbols)
    coder = new_payload()
    model.encode(coder, symbols)
    decoder = open_payload(shortest_payload(coder))
    for prior in range(6):
        rows = np.flatnonzero(model.index == prior)
        for channel in range(symbols.shape[1] if len(rows) else 0):
            values = decode_values(decoder, model.bank.tables[prior][channel], len(rows))
            assert np.array_equal(values, symbols[rows, channel])
