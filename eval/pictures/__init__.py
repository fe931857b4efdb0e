"""Picture files, read whole or refused by name."""

from .exif import orientation
from .png import png_header
from .reading import SUFFIXES, PictureError, load, opened, picture_size, pixels_of
