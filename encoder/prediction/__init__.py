"""What settings that are not coded are expected to take and to lose."""

from .curves import Curves, spline, to_logs
from .prediction import Prediction, anchors, competes, predict
from .settings import COARSEST_Q, FINEST_Q, settings_of, sweep_settings
