"""What is read and written: files that appear whole or not at all, and the cache with its limit."""

from .cache_limit import cache_limit, empty_cache, limited_cache
from .caches import cache_folder, cache_root, is_sealed, load_rows, save_rows, seal
from .files import (
    PARTIAL,
    UNFINISHED,
    OutputError,
    check_folder,
    check_output,
    locked,
    open_plain,
    read_plain,
    replacing,
    stamp,
    write_atomically,
    write_json,
)
