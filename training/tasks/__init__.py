"""What is trained: the table of tasks, losses, initial weights, evaluation."""

from .evaluation import EVALUATION_GAINS, RatePoint, evaluate, load_pictures
from .interface import MakeTask, Part, Player, TrainingTask
from .loss import losses
from .low_rank import adapt, merge, trained
from .table import TASKS, task_of
