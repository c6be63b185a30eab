"""One class for each image."""

from specc.tasks.task import Figure, Task

CLASSIFICATION = Task(
    "classification",
    outputs="classes",
    figures=(
        Figure("accuracy", "accuracy", counts_images=True),
        Figure("balanced_accuracy", "balanced accuracy", of_class="recall"),
        Figure("f1", "macro F1", of_class="f1"),
        Figure("top5", "top-5 accuracy", counts_images=True),
    ),
    loss="cross_entropy",
    activation="softmax",
    exports=("probabilities", "logits"),
    mixes=True,
    per_pixel=False,
    at_least=2,
    agreement="same class",
    places="images",
    target="specc.backend.tasks.classification.Classification",
)
