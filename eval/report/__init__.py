"""Results for people: curves, boards and sheets."""

from .board_files import board_markdown, board_picture, board_tables
from .curve_plots import curves_picture
from .curves import MEAN, SET, Curve, bjontegaard_delta, published_curves
from .figures import plt, png
from .sheet import Contestant, comparison_sheet, picture_table
