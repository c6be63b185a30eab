"""A class for each pixel of an image."""

from specc.tasks.task import Figure, Task

SEGMENTATION = Task(
    "segmentation",
    outputs="classes",
    figures=(
        Figure("mean_iou", "mean IoU", of_class="iou"),
        Figure("dice", "mean Dice", of_class="dice"),
        Figure("pixel_accuracy", "pixel accuracy"),
    ),
    loss="cross_entropy",
    activation="softmax",
    exports=("probabilities", "logits", "classes"),
    mixes=False,
    per_pixel=True,
    at_least=2,
    agreement="same class",
    places="pixels",
    target="specc.backend.tasks.segmentation.Segmentation",
)
