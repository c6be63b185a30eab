"""Known mistakes: one small file for each lint, all in `LINTS`.

A lint is a plain function over a spec that has no errors. It warns, but never prevents training. `# allow W503` on a
line, or on the line above, silences one.
"""

import re
from collections.abc import Callable, Iterable
from importlib import import_module

from specc.check.lint import allow
from specc.check.lint.lint import Found as Found
from specc.check.lint.lint import Lint as Lint
from specc.check.lint.lint import Linted as Linted
from specc.check.problems import Problems
from specc.diagnostics import Diagnostic
from specc.source import Source, Span
from specc.vocabulary.registry import BrokenPromise, broken_types

CODE = re.compile(r"W\d{3}")

# Of this folder, in the order in which they look.
FILES = (
    "allow",
    "vanishing",
    "glorot_before_relu",
    "he_before_sigmoid",
    "bias_before_norm",
    "inner_softmax",
    "activation_on_logits",
    "dropout_on_logits",
    "dropout_before_norm",
    "small_batch",
    "single_channel_groups",
    "bottleneck",
    "receptive_field",
    "drop_path_outside",
    "dead_layers",
    "unused_let",
    "unused_block",
    "unused_parameter",
    "overwritten_name",
    "unnormalized_inputs",
    "label_changing_augmentation",
    "excessive_augmentation",
    "double_weight_decay",
    "coupled_weight_decay",
    "idle_regularizer",
    "schedule_past_end",
    "slow_ema",
    "nondeterministic_layer",
    "binary_loss",
    "norm_weight_decay",
    "zero_rate",
    "double_balancing",
    "pretrained_mismatch",
    "never_learns",
)

LINTS: list[Lint] = []


def register(lints: Iterable[Lint]) -> None:
    """Let lints into the list. Raises BrokenPromise for the first one that must stay out, and says why."""
    for lint in lints:
        empty = next((field for field, value in zip(lint._fields, lint, strict=True) if value == ""), "")
        broken = f"has no `{empty}`" if empty else broken_types(lint)
        if not CODE.fullmatch(lint.code):
            broken = "has a code that is no W and three digits"
        elif any(lint.code == other.code for other in LINTS):
            broken = "has a code that is taken"
        if broken:
            raise BrokenPromise(f"the lint {lint.code} `{lint.name}` {broken}")
        LINTS.append(lint)


register(import_module(f"{__name__}.{file}").LINT for file in FILES)


def find_lints(linted: Linted, problems: Problems, go_on: Callable[[], None], *, is_variant: bool) -> None:
    """Add what the lints find. Lints that only inspect the text skip variants: they would repeat themselves.

    go_on: called before each lint; it raises where nobody wants to know any more.
    """
    for one in LINTS:
        go_on()
        if not (one.of_text and is_variant) and not (one.needs_data and linted.data is None):
            for found in one.find(linted):
                problems.add(Diagnostic(one.code, *found))


def silence(problems: Problems, comments: list[Span], source: Source, *, is_complete: bool) -> None:
    """Remove what comments allow; if every lint ran on everything, report the comments that allow nothing."""
    allow.silence(problems, comments, source, {one.code for one in LINTS}, is_complete)
