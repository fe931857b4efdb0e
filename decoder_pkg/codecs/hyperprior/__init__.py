"""The codec with hyper-latents and a causal or quadtree context. What needs torch is imported from its own module."""

from .architecture import ARCHITECTURES, CAUSAL, QUADTREE, Architecture, architecture
from .causal import code_causal, raster, wavefront
from .entropy_model import EntropyModel
from .layers import GROUP_LAYERS, OUTPUT_LAYERS, Shape, layer_shapes
from .payload import DecodedPayload, Walk, by_table, checksum, code_latents, coefficient_tables, decode_payload
from .quadtree import GROUPS, TURNS

__all__ = [
    "ARCHITECTURES",
    "CAUSAL",
    "GROUPS",
    "GROUP_LAYERS",
    "OUTPUT_LAYERS",
    "QUADTREE",
    "TURNS",
    "Architecture",
    "DecodedPayload",
    "EntropyModel",
    "Shape",
    "Walk",
    "architecture",
    "by_table",
    "checksum",
    "code_causal",
    "code_latents",
    "coefficient_tables",
    "decode_payload",
    "layer_shapes",
    "raster",
    "wavefront",
]
