"""Known mistakes: one small file for each lint, all in `LINTS`.

A lint is a plain function over a spec that has no errors. It warns, but never prevents training. `# allow W503` on a
line, or on the line above, silences one.
"""

from specc.check.lint import (
    activation_on_logits,
    allow,
    bias_before_norm,
    binary_loss,
    bottleneck,
    coupled_weight_decay,
    dead_layers,
    double_weight_decay,
    drop_path_outside,
    dropout_before_norm,
    dropout_on_logits,
    excessive_augmentation,
    glorot_before_relu,
    he_before_sigmoid,
    idle_regularizer,
    inner_softmax,
    label_changing_augmentation,
    nondeterministic_layer,
    norm_weight_decay,
    overwritten_name,
    receptive_field,
    schedule_past_end,
    single_channel_groups,
    slow_ema,
    small_batch,
    unnormalized_inputs,
    unused_block,
    unused_let,
    unused_parameter,
    vanishing,
)
from specc.check.lint.lint import Lint as Lint
from specc.check.lint.lint import Linted as Linted
from specc.check.problems import Problems
from specc.diagnostics import Diagnostic
from specc.source import Source, Span

LINTS: tuple[Lint, ...] = (
    allow.LINT,
    vanishing.LINT,
    glorot_before_relu.LINT,
    he_before_sigmoid.LINT,
    bias_before_norm.LINT,
    inner_softmax.LINT,
    activation_on_logits.LINT,
    dropout_on_logits.LINT,
    dropout_before_norm.LINT,
    small_batch.LINT,
    single_channel_groups.LINT,
    bottleneck.LINT,
    receptive_field.LINT,
    drop_path_outside.LINT,
    dead_layers.LINT,
    unused_let.LINT,
    unused_block.LINT,
    unused_parameter.LINT,
    overwritten_name.LINT,
    unnormalized_inputs.LINT,
    label_changing_augmentation.LINT,
    excessive_augmentation.LINT,
    double_weight_decay.LINT,
    coupled_weight_decay.LINT,
    idle_regularizer.LINT,
    schedule_past_end.LINT,
    slow_ema.LINT,
    nondeterministic_layer.LINT,
    binary_loss.LINT,
    norm_weight_decay.LINT,
)


def find_lints(linted: Linted, problems: Problems, *, is_variant: bool) -> None:
    """Add what the lints find. Lints that only inspect the text skip variants: they would repeat themselves."""
    for one in LINTS:
        if not (one.of_text and is_variant) and not (one.needs_data and linted.data is None):
            for found in one.find(linted):
                problems.add(Diagnostic(one.code, *found))


def silence(problems: Problems, comments: list[Span], source: Source, *, is_complete: bool) -> None:
    """Remove what comments allow; if every lint ran on everything, report the comments that allow nothing."""
    allow.silence(problems, comments, source, {one.code for one in LINTS}, is_complete)
