"""The codecs that a stream may name, a folder each."""
