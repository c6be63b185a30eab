"""Optimizers, which say how a gradient moves the weights, and what wraps them.

All but `lamb` and `muon` are torch's own, with its defaults.

`weight_decay` reaches the kernels of convolutions and dense layers only, as `regularize` does; never biases or norms,
unless a `group` asks for it.
"""

from collections.abc import Iterator

from specc.values import Args, Bound
from specc.vocabulary.family import Division, Optimizer, ScheduleFree, Wrapper
from specc.vocabulary.kinds import NOT_NEGATIVE, POSITIVE, Bool, Float, Int, ListOf, One
from specc.vocabulary.param import Param
from specc.vocabulary.problem import Problem
from specc.vocabulary.registry import component

_FRACTION = Float(low=0, below=1)
_DECAY = "weight decay of the kernels of conv and dense"


def _rate(default: float) -> Param:
    return Param("lr", POSITIVE, default, "learning rate; `schedule` multiplies it")


def _sgd_check(a: Args) -> None:
    if a.nesterov and a.momentum == 0:
        raise Problem(
            "E216",
            "`nesterov=true` needs a momentum above 0, but `momentum` is 0",
            param="nesterov",
            help="write sgd(lr, momentum=0.9, nesterov=true)",
        )


def layers(optimizer: Bound) -> Iterator[Bound]:
    """An optimizer from outside in: what wraps it, and at last itself, which moves the weights."""
    yield optimizer
    word = component(Optimizer, optimizer)
    if isinstance(word, Wrapper):
        yield from layers(getattr(optimizer.args, word.wraps))


def refuse_wrapped(optimizer: Bound, param: str) -> None:
    """Raise `Problem` E216 where what moves only some of the weights is wrapped."""
    *wrappers, base = layers(optimizer)
    if wrappers:
        message = f"`{wrappers[0].name}` applies to all weights, so it wraps the whole of `train.optimizer`"
        help = f"write {param}={base.name}(…) here, and optimizer = {wrappers[0].name}(…) in `train`"
        raise Problem("E216", message, param=param, help=help)


def _sam_check(a: Args) -> None:
    if any(inner.name == "sam" for inner in layers(a.base)):
        raise Problem("E216", "`sam` wraps another `sam`", param="base", help="write one of them: sam(sgd(lr=0.1))")


def _schedule_free_check(a: Args) -> None:
    word, own = component(Optimizer, a.base), a.base.args
    form = word.schedule_free
    if form is None:
        help = "write schedule_free(sgd(lr=1, momentum=0.9)) or schedule_free(adamw(lr=2.5e-3))"
        if a.base.name == "sam":
            help = "write it the other way round: sam(schedule_free(…))"
        message = f"`schedule_free` cannot wrap `{a.base.name}`: it has no schedule-free form"
        raise Problem("E216", message, param="base", help=help)
    between = getattr(own, form.between)
    if (between[0] if isinstance(between, tuple) else between) == 0:
        message = f"`schedule_free` finds gradients between two sequences, where `{form.between}` says, and it is 0"
        raise Problem(
            "E216", message, param="base", help=f"write {a.base.name}(…, {form.between}={_USUAL[form.between]})"
        )
    for name in form.without:
        if getattr(own, name):
            message = f"the schedule-free form of `{a.base.name}` has no `{name}`"
            raise Problem("E216", message, param="base", help=f"remove {name}=true")


_USUAL = {"momentum": "0.9", "betas": "(0.9, 0.999)"}


def _muon_check(a: Args) -> None:
    refuse_wrapped(a.others, "others")
    if component(Optimizer, a.others).division is not None:
        message = (
            f"`others` must be able to train all other weights; `{a.others.name}` would need another "
            "optimizer for some of them"
        )
        raise Problem("E216", message, param="others", help="write others=adamw(lr=3e-4)")
    if a.nesterov and a.momentum == 0:
        raise Problem(
            "E216",
            "`nesterov=true` needs a momentum above 0, but `momentum` is 0",
            param="momentum",
            help="write muon(lr, momentum=0, nesterov=false)",
        )


_ADAM = (
    Param(
        "betas",
        ListOf(_FRACTION, 2),
        (0.9, 0.999),
        "decay rates of the running means of the gradient and of its square",
    ),
    Param("eps", POSITIVE, 1e-8, "added to the denominator for stability"),
)
_AMSGRAD = Param("amsgrad", Bool(), False, "divide by the largest running mean so far")

SGD = Optimizer(
    "sgd",
    "Stochastic gradient descent, with optional momentum.",
    (
        Param("lr", POSITIVE, doc="learning rate; `schedule` multiplies it"),
        Param("momentum", _FRACTION, 0.0, "fraction of the last step that is kept"),
        Param("nesterov", Bool(), False, "use Nesterov momentum"),
        Param("weight_decay", NOT_NEGATIVE, 0.0, _DECAY),
    ),
    target="torch.optim.SGD",
    fused=True,
    recordable=True,
    tunable=("momentum", "nesterov"),
    schedule_free=ScheduleFree("specc.backend.engine.schedule_free.FreeSGD", "momentum", ("nesterov",)),
    example="sgd(lr=0.1, momentum=0.9, nesterov=true)",
    check=_sgd_check,
)

ADAM = Optimizer(
    "adam",
    "Adam (Kingma and Ba, 2014): steps scaled by running means of the gradient and of its square.",
    (_rate(1e-3), *_ADAM, Param("weight_decay", NOT_NEGATIVE, 0.0, _DECAY), _AMSGRAD),
    target="torch.optim.Adam",
    fused=True,
    capturable=True,
    recordable=True,
    tunable=("betas", "eps"),
    scaled_decay=True,
    example="adam(lr=1e-3)",
)

ADAMW = Optimizer(
    "adamw",
    "AdamW (Loshchilov and Hutter, 2017): Adam with weight decay that is decoupled from the gradient's scaling.",
    (_rate(1e-3), *_ADAM, Param("weight_decay", NOT_NEGATIVE, 1e-2, _DECAY), _AMSGRAD),
    target="torch.optim.AdamW",
    fused=True,
    capturable=True,
    recordable=True,
    tunable=("betas", "eps"),
    schedule_free=ScheduleFree("specc.backend.engine.schedule_free.FreeAdamW", "betas", ("amsgrad",)),
    example="adamw(lr=1e-3, weight_decay=0.05)",
)

RMSPROP = Optimizer(
    "rmsprop",
    "RMSprop (Hinton, 2012): steps divided by the root of a running mean of the squared gradient.",
    (
        _rate(1e-2),
        Param("alpha", _FRACTION, 0.99, "decay rate of the running mean"),
        Param("eps", POSITIVE, 1e-8, "added to the denominator for stability"),
        Param("weight_decay", NOT_NEGATIVE, 0.0, _DECAY),
        Param("momentum", _FRACTION, 0.0, "fraction of the last step that is kept"),
        Param("centered", Bool(), False, "divide by the standard deviation instead of the root mean square"),
    ),
    target="torch.optim.RMSprop",
    tunable=("alpha", "eps"),
    scaled_decay=True,
    example="rmsprop(lr=1e-3, momentum=0.9)",
)

LAMB = Optimizer(
    "lamb",
    "LAMB (You et al., 2019): AdamW with the step of each tensor scaled to the norm of its weights.",
    (
        _rate(1e-3),
        _ADAM[0],
        Param("eps", POSITIVE, 1e-6, "added to the denominator for stability"),
        Param("weight_decay", NOT_NEGATIVE, 1e-2, _DECAY),
    ),
    target="specc.backend.engine.lamb.Lamb",
    tunable=("betas", "eps"),
    example="lamb(lr=2e-3)",
)

# That of Jordan's reference, https://github.com/KellerJordan/Muon
_OTHERS = ADAMW.call(lr=3e-4, betas=(0.9, 0.95))

MUON = Optimizer(
    "muon",
    "Muon (Jordan, 2024): orthogonalizes the momentum of each kernel, as a matrix of filters by the "
    "rest, by Newton-Schulz "
    "iterations. Biases, norms and the last layer go to `others`.",
    (
        _rate(0.02),
        Param("momentum", _FRACTION, 0.95, "fraction of the running mean of the gradient that is kept"),
        Param("nesterov", Bool(), True, "use Nesterov momentum"),
        Param("steps", Int(1, 20), 5, "Newton-Schulz iterations"),
        Param("weight_decay", NOT_NEGATIVE, 0.0, _DECAY),
        Param("normalize", Bool(), False, "before each step, rescale each kernel to the norm sqrt(filters)"),
        Param("last", Bool(), False, "whether muon also trains the last layer, the classifier"),
        Param(
            "others",
            One("optimizer", "an optimizer, such as adamw(lr=3e-4)"),
            _OTHERS,
            "optimizer of the other weights",
        ),
    ),
    target="specc.backend.engine.muon.Muon",
    recordable=True,
    tunable=("momentum", "nesterov", "steps", "normalize"),
    division=Division(("kernel",), others="others", last="last"),
    example="muon(lr=0.02, others=adamw(lr=1e-3))",
    check=_muon_check,
)

SAM = Wrapper(
    "sam",
    "Sharpness-aware minimization (Foret et al., 2021): the optimizer follows the gradient at w + rho * g / |g|, where "
    "g is the gradient at w, over all weights. Each step passes its images through the network twice.",
    (
        Param(
            "base",
            One("optimizer", "an optimizer, such as sgd(lr=0.1)"),
            doc="what takes the step, from w, by that gradient",
        ),
        Param("rho", POSITIVE, 0.05, "how far the weights are moved to find the gradient: the norm of the whole move"),
    ),
    target="specc.backend.engine.sam.perturbed",
    wraps="base",
    passes=2,
    example="sam(sgd(lr=0.1, momentum=0.9), rho=0.05)",
    check=_sam_check,
)

SCHEDULE_FREE = Wrapper(
    "schedule_free",
    "Schedule-free learning (Defazio et al., 2024) with sgd or adamw: gradients are found between the weights that the "
    "optimizer moves and their running average, and no schedule but a warmup is needed. The average is evaluated, "
    "saved and exported; before that, the norms' running statistics are computed anew for it, over up to 50 batches.",
    (
        Param(
            "base",
            One("optimizer", "sgd with a momentum, or adamw"),
            doc="the optimizer; its `momentum`, or the first of its `betas`, says how close to the average gradients "
            "are found",
        ),
    ),
    target="specc.backend.engine.schedule_free.Free",
    wraps="base",
    example="schedule_free(adamw(lr=2.5e-3))",
    check=_schedule_free_check,
)

COMPONENTS = (SGD, ADAM, ADAMW, RMSPROP, LAMB, MUON, SAM, SCHEDULE_FREE)
