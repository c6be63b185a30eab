"""The tasks that a network can be trained for: what a source gives for each image makes the task."""

from specc.tasks.classification import CLASSIFICATION
from specc.tasks.multilabel import MULTILABEL
from specc.tasks.regression import REGRESSION
from specc.tasks.segmentation import SEGMENTATION
from specc.tasks.task import LOSS, Figure, Task

ALL = (CLASSIFICATION, MULTILABEL, REGRESSION, SEGMENTATION)
TASKS = {task.name: task for task in ALL}
FIGURES = {figure.name: figure for task in ALL for figure in task.figures}  # those of one name are alike

__all__ = [
    "ALL",
    "CLASSIFICATION",
    "FIGURES",
    "LOSS",
    "MULTILABEL",
    "REGRESSION",
    "SEGMENTATION",
    "TASKS",
    "Figure",
    "Task",
]
