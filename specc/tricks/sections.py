"""The settings of the sections `data`, `train` and `export`: their kinds and their defaults."""

from specc.values import Args, Bound, Percent
from specc.vocabulary.kinds import (
    POSITIVE,
    ArgumentOf,
    Calls,
    Chain,
    Either,
    Float,
    Int,
    ListOf,
    Maybe,
    One,
    Selector,
    SizeOf,
    Symbols,
)
from specc.vocabulary.param import Param

_ADAM = Bound("adam", Args(lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False))

DATA = (
    Param("source", One("source", 'a data source, such as digits or folder("flowers")'), doc="where the images are"),
    Param("resize", Maybe(SizeOf()), None, "bring every image to this size (antialiased, bilinear)"),
    Param(
        "normalize",
        One("normalize", "`unit`, `standard`, `fixed(mean=[…], std=[…])` or `none`"),
        Bound("standard", Args(per="set")),
        "how pixels become numbers; the exported graph does the same",
    ),
    Param(
        "augment",
        Chain("augment", "augmentations joined by `->`, or `none`"),
        (),
        "random changes to the training images, drawn anew for each image in each epoch",
    ),
    Param(
        "validation",
        Maybe(One("validation", "`test` or `split(10%)`")),
        None,
        "the images that measure: the test part where there is one, else 10% of the training part",
    ),
)

TRAIN = (
    Param("epochs", POSITIVE, 20.0, "how often every image is seen; a fraction stops within an epoch"),
    Param("batch", Int(1), 128, "images in a batch"),
    Param("optimizer", One("optimizer", "an optimizer, such as adam(lr=1e-3)"), _ADAM, "how weights move"),
    Param(
        "schedule",
        Chain("schedule", "schedules joined by `->`, such as warmup(5) -> cosine"),
        (Bound("constant", Args(epochs=None)),),
        "how the learning rate changes",
    ),
    Param(
        "groups",
        Maybe(Calls("group", "groups, such as [group(norms.bias, lr=0.05), group(stem, scale=0.1)]")),
        None,
        "weights that learn in a way of their own; the first group that picks a weight has it",
    ),
    Param(
        "loss",
        One("loss", "a loss, such as cross_entropy(smoothing=0.1)"),
        Bound("cross_entropy", Args(smoothing=0.0, weights=None, reduction="mean")),
        "what is made small",
    ),
    Param(
        "regularize",
        Maybe(One("regularizer", "a regularizer, such as l2(1e-4)")),
        None,
        "penalty on the kernels of conv and dense",
    ),
    Param("seed", Int(0, 2**31 - 1), 0, "of every random draw"),
    Param(
        "precision",
        Symbols("auto", "fp32", "bf16", "fp16"),
        "auto",
        "of convolutions and dense layers in training; `auto`: the fastest that the device has",
    ),
    Param(
        "ema",
        Maybe(Float(above=0, below=1)),
        None,
        "decay of a running mean of the weights, which is what is evaluated, kept and exported",
    ),
    Param(
        "lookahead",
        Maybe(One("lookahead", "lookahead(steps=5, alpha=0.5)")),
        None,
        "slow weights that follow those that the optimizer moves, which are evaluated, kept and exported",
    ),
    Param("clip", Maybe(POSITIVE), None, "largest norm of the whole gradient"),
    Param("accumulate", Int(1), 1, "batches whose gradients make one step"),
    Param(
        "early_stop",
        Maybe(Either(Int(1), ArgumentOf("early_stop", "early_stop(patience=10)", "patience"))),
        None,
        "stop after so many epochs without a better validation accuracy",
    ),
    Param("target", Maybe(Float(above=0, high=1)), None, "stop when the validation accuracy is this high"),
    Param(
        "freeze",
        Maybe(ListOf(Selector(), lone=True)),
        None,
        "weights that do not learn: layers or blocks by name, kinds such as norms, or conv1.weight",
    ),
    Param("plan", Maybe(One("plan", "plan(threads=1)")), None, "how it is carried out, where it is not to be chosen"),
    Param(
        "evaluate",
        Maybe(One("evaluate", "test-time augmentation, such as tta(flip, shift=1)")),
        None,
        "how the validation images are looked at; `none`: as they are, as the exported file does",
    ),
)

EXPORT = (
    Param("opset", Int(18, 22), 20, "version of the ONNX operators"),
    Param("output", Symbols("probabilities", "logits"), "probabilities", "what the exported graph gives"),
    Param("tolerance", POSITIVE, 1e-4, "largest difference to the trained model, relative to the output's scale"),
    Param("precision", Symbols("fp32", "fp16", "int8"), "fp32", "fp16 or int8: a second file, beside the one of fp32"),
    Param("max_loss", Float(low=0, below=1), Percent(0.01), "largest loss of accuracy of an fp16 or int8 file"),
)

SECTIONS: dict[str, tuple[Param, ...]] = {"data": DATA, "train": TRAIN, "export": EXPORT}
