"""What makes probabilities of a network's outputs."""

import torch

from specc.backend.evaluation.totals import Evaluation
from specc.backend.tasks.bound import Records
from specc.check import Trainable
from specc.tasks import Task
from specc.tricks.sections import losses_of
from specc.vocabulary.family import Loss
from specc.vocabulary.registry import component


def activation(spec: Trainable, task: Task) -> str:
    """What makes probabilities of logits: "sigmoid" where the loss asks of each class by itself."""
    each = any(component(Loss, loss).per_class for loss in losses_of(spec.train, task))
    return "sigmoid" if each and not spec.graph.ends_in_softmax else task.activation


def probabilities(evaluation: Evaluation, spec: Trainable, task: Task) -> Records | None:
    """The probabilities of an evaluation's outputs, N x outputs; None where there are none, or they were not kept."""
    how = activation(spec, task)
    if evaluation.outputs is None or not how:
        return None
    logits = torch.from_numpy(evaluation.outputs).double()
    shares: Records = (logits.softmax(dim=1) if how == "softmax" else logits.sigmoid()).numpy()
    return shares
