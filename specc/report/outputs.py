"""What a model does, in words."""

from specc.tasks import Task

SINGULAR = {"classes": "class", "tags": "tag", "numbers": "number"}


def what_it_does(task: Task, count: int) -> str:
    """What a model with so many outputs does, as a sentence goes on: `tells 10 classes apart`."""
    several = f"{count:,} {task.outputs if count != 1 else SINGULAR[task.outputs]}"
    match task.name:
        case "classification":
            return f"tells {several} apart"
        case "multi-label":
            return f"tells which of {several} an image has"
        case "regression":
            return f"predicts {several}"
        case "segmentation":
            return f"gives each pixel one of {several}"
    raise ValueError(task.name)
