"""Several tags for each image, or none."""

from specc.tasks.task import Figure, Task

MULTILABEL = Task(
    "multi-label",
    outputs="tags",
    figures=(
        Figure("map", "mean average precision", of_class="average_precision"),
        Figure("micro_f1", "micro F1"),
        Figure("f1", "macro F1", of_class="f1"),
        Figure("exact_match", "exact match", counts_images=True),
    ),
    loss="binary_cross_entropy",
    activation="sigmoid",
    exports=("probabilities", "logits"),
    mixes=True,
    per_pixel=False,
    at_least=1,
    agreement="same answer",
    places="tags",
    target="specc.backend.tasks.multilabel.MultiLabel",
)
