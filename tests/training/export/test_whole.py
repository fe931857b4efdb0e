from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch

from decoder_pkg.codecs import codec_of
from decoder_pkg.entropy import Q_ONE
from decoder_pkg.errors import WeightsError
from decoder_pkg.models import MANIFEST, load_bundle
from encoder.candidates import CandidateCache
from encoder.codecs import coding_setting, float_codec
from encoder.codecs.hyper_networks import HyperSynthesis
from encoder.codecs.quadtree import QuadtreeFloatCodec
from encoder.coding import AnalysedPicture
from encoder.models import load_zoo
from encoder.picture_coder import PictureCoder
from encoder.prediction import sweep_settings
from tests.training.runs import exported
from training.config import TrainConfig
from training.data.crops import CropSet
from training.export.fixed_point import quantise_layers
from training.export.manifests import NewModel, update_manifests
from training.export.trained import load_run
from training.export.whole import code_lengths, export_delta


def test_exported_model_codes_what_the_float_model_estimates(
    every_run: Path, every_export: tuple[Path, Path], crops: CropSet
) -> None:
    trained, folders = load_run(every_run), every_export
    codec = load_bundle(folders[0]).models[3].codec
    estimated, actual = code_lengths(trained.model, codec, trained.gains, crops)
    # Hardly trained, its latents are wide and escape often; a trained model comes within half a percent.
    assert actual == pytest.approx(estimated, rel=0.15)
    zoo = load_zoo(*folders)
    candidate, _ = AnalysedPicture(skimage.data.chelsea()[:100, :90], zoo.models[3]).encode(coding_setting(20, Q_ONE))
    assert candidate.header.model == 3
    assert load_bundle(folders[0]).digest == zoo.bundle.digest


def test_exported_model_goes_back_to_float(every_run: Path, every_export: tuple[Path, Path], crops: CropSet) -> None:
    trained = load_run(every_run)
    twin = load_zoo(*every_export).models[3].floats
    pictures, gains = crops.batch(np.random.default_rng(1), 2, 128), torch.tensor([8, 40])
    with torch.no_grad():
        first, second = trained.model(pictures, gains), twin(pictures, gains)
    assert torch.allclose(first.estimated_bits, second.estimated_bits, rtol=0.01)
    # A latent near the edge of a decision may fall to the other side: that changes a few pixels by more.
    assert (first.picture - second.picture).abs().mean() < 0.002


@pytest.mark.long
def test_fine_tuned_model_is_exported_as_a_delta(every_run: Path, crops: CropSet, tmp_path: Path) -> None:
    trained = load_run(every_run)
    folders = exported(trained, crops, tmp_path)
    with torch.no_grad():
        for weight in trained.model.parameters():
            if weight.ndim == 4:
                weight.add_(torch.randn_like(weight), alpha=0.2 * float(weight.std()))
    base, file = load_zoo(*folders).models[3], "tuned.safetensors.gz"
    export_delta(trained, base, crops, *(folder / file for folder in folders))
    update_manifests(*folders, NewModel(4, "tuned", file, 3, trained.record | {"gains": [8, 15]}))
    zoo = load_zoo(*folders)
    pictures, gains = crops.batch(np.random.default_rng(1), 2, 128), torch.tensor([8, 15])
    with torch.no_grad():
        models = trained.model, zoo.models[4].floats, base.floats
        model, tuned, other = (model(pictures, gains) for model in models)
    assert torch.allclose(model.estimated_bits, tuned.estimated_bits, rtol=0.01)
    assert (model.picture - tuned.picture).abs().mean() < 0.1 * (model.picture - other.picture).abs().mean()
    coder = PictureCoder(skimage.data.chelsea()[:64, :64], zoo, CandidateCache(tmp_path / "cache"))
    assert {setting.gain for setting in sweep_settings(coder.zoo) if setting.model == 4} == {8, 10, 12, 14}
    assert coder.encode(4, 14).candidate.header.model == 4
    assert (zoo.origins, zoo.specialists(20), zoo.specialists(19)) == ([3], [], [4])
    second = "second.safetensors.gz"
    export_delta(trained, zoo.models[4], crops, *(folder / second for folder in folders))
    update_manifests(*folders, NewModel(5, "second", second, 4, trained.record))
    update_manifests(*folders, NewModel(3, "m", "m.safetensors", None, trained.record))
    assert list(load_zoo(*folders).models) == [3, 4, 5]
    exported(trained, crops, tmp_path)  # neither fine-tuned model is a delta to it
    assert list(load_zoo(*folders).models) == [3]


def test_weights_larger_than_what_they_yield_are_not_clipped() -> None:
    """A layer whose outputs are small asks for a finer scale than its weights can have in 16 bits."""
    model = float_codec(TrainConfig(architecture="smoke-quadtree").build_architecture())
    assert isinstance(model, QuadtreeFloatCodec)
    assert isinstance(model.hyper_synthesis, HyperSynthesis)
    peaks = {row.name: 4.0 for row in codec_of(model.arch).layers(model.arch)} | {"hyper.enter": 1e-3}
    arrays, exponents = quantise_layers(model, peaks)
    scale = 2.0 ** (arrays["hyper.enter.shift"].astype(int) + exponents["hyper.enter"])
    stored, weight = arrays["hyper.enter.weight"][4] / scale, model.hyper_synthesis.enter.weight[:, :, 1, 1].detach()
    assert np.abs(stored.T - weight.numpy()).max() < 1e-3 * float(weight.abs().max())
    with pytest.raises(ValueError, match="do not fit 16 bits"):
        quantise_layers(model, {name: 1e-3 if name.startswith(("hyper.scale", "context.")) else 1e6 for name in peaks})


def test_results_of_a_model_are_still_known_when_its_files_are_packed_otherwise(
    run: Path, crops: CropSet, tmp_path: Path
) -> None:
    trained = load_run(run)
    folders = exported(trained, crops, tmp_path, "m.safetensors.gz")
    before = load_zoo(*folders).models[3].digest
    for folder in folders:
        packed = folder / "m.safetensors.gz"
        packed.write_bytes(gzip.compress(gzip.decompress(packed.read_bytes()), 1))
    update_manifests(*folders, NewModel(3, "m", "m.safetensors.gz", None, trained.record))
    assert load_zoo(*folders).models[3].digest == before


def test_encoder_half_of_another_model_is_refused(run: Path, crops: CropSet, tmp_path: Path) -> None:
    trained = load_run(run)
    folders = exported(trained, crops, tmp_path)
    assert load_zoo(*folders).models[3].digest
    (folders[1] / "m.safetensors").write_bytes((folders[0] / "m.safetensors").read_bytes())
    with pytest.raises(WeightsError, match=r"m\.safetensors is another file"):
        _ = load_zoo(*folders).models[3].digest
    for damaged in ("{}", "[]", "{"):
        (folders[1] / MANIFEST).write_text(damaged)
        with pytest.raises(WeightsError, match=MANIFEST):
            load_zoo(*folders)
