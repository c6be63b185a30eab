"""What the field has learned to avoid: one small file for each lint, all in `LINTS`.

A lint is a plain function over a spec that checked without errors. It warns; it never stops a training. `# allow W503`
on a line, or on the line above, silences one.
"""

from specc.check.lint import (
    activation_on_logits,
    allow,
    beyond_the_end,
    bias_before_norm,
    bottleneck,
    dead_layers,
    decay_twice,
    decayed_norms,
    drop_path_outside,
    dropout_before_norm,
    dropout_on_logits,
    exclusive_classes,
    glorot_before_relu,
    he_before_sigmoid,
    hidden_image,
    inner_softmax,
    lone_channels,
    not_repeatable,
    nothing_to_regularize,
    overwritten_name,
    raw_inputs,
    receptive_field,
    scaled_decay,
    slow_average,
    small_batch,
    turned_signs,
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
    lone_channels.LINT,
    bottleneck.LINT,
    receptive_field.LINT,
    drop_path_outside.LINT,
    dead_layers.LINT,
    unused_let.LINT,
    unused_block.LINT,
    unused_parameter.LINT,
    overwritten_name.LINT,
    raw_inputs.LINT,
    turned_signs.LINT,
    hidden_image.LINT,
    decay_twice.LINT,
    scaled_decay.LINT,
    nothing_to_regularize.LINT,
    beyond_the_end.LINT,
    slow_average.LINT,
    not_repeatable.LINT,
    exclusive_classes.LINT,
    decayed_norms.LINT,
)


def find_lints(linted: Linted, problems: Problems, *, is_variant: bool) -> None:
    """Add what the lints find. Those that look at the text alone say the same of a variant, and are left out there."""
    for one in LINTS:
        if not (one.of_text and is_variant) and not (one.needs_data and linted.data is None):
            for found in one.find(linted):
                problems.add(Diagnostic(one.code, *found))


def silence(problems: Problems, comments: list[Span], source: Source, *, is_complete: bool) -> None:
    """Take out what comments allow; where every lint ran on everything, report the comments that allow nothing."""
    allow.silence(problems, comments, source, {one.code for one in LINTS}, is_complete)
