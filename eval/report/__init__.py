"""Results for people: curves, boards and sheets."""

from .board_files import board_markdown, board_plot, board_tables
from .curve_plots import curves_plot
from .curves import MEAN, SET, Curve, bjontegaard_delta, published_curves
from .figures import plt, png
from .sheet import Contestant, comparison_sheet, picture_table
