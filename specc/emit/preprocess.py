"""What happens to an image before the network sees it, as a function of the emitted source."""

from typing import NamedTuple

from specc.emit.arguments import literal
from specc.emit.resize import resize_lines
from specc.tricks.sections import DataSettings
from specc.values import Bound, Size
from specc.vocabulary.family import Normalization
from specc.vocabulary.registry import component
from specc.vocabulary.shape import Shape

OURS = "specc.backend."
PLAIN = {"unit": "x / 255", "none": "x"}


class Preprocessing(NamedTuple):
    """The lines of `preprocess`, and of the constants before it; the modules of packages that they use."""

    lines: list[str]
    modules: frozenset[str] = frozenset()


def preprocessing(data: DataSettings, shape: Shape) -> Preprocessing:
    """How the source writes the way from images to the network. shape: C, H, W of what the network takes."""
    channels, height, width = shape
    constants, steps, parameters = _normalized(data.normalize, shape)
    resized = resize_lines(data.resizing, Size(height, width)) if data.resizing else []
    what = f"N x {channels} x {'H x W' if resized else f'{height} x {width}'}"
    known = [
        "",
        "    mean, std: per channel of the training images, scaled to 0 to 1; a run records its own in `run.json`.",
        '    """',
    ]
    first = f'    """The network input, N x {channels} x {height} x {width}, from uint8 images, {what}'
    lines = [
        *constants,
        f"def preprocess(images: Tensor{parameters}) -> Tensor:",
        first + (", which are resized." if resized else ".") + ("" if parameters else '"""'),
        *(known if parameters else []),
        *_joined(["    x = images.float()", *resized, *steps]),
    ]
    target = component(Normalization, data.normalize).target
    return Preprocessing(lines, frozenset() if target.startswith(OURS) else frozenset({target.rpartition(".")[0]}))


def _joined(lines: list[str]) -> list[str]:
    """A body that only names its result and returns it, in one line."""
    return [lines[1].replace("x", "images.float()", 1)] if len(lines) == 2 else lines


def _normalized(normalize: Bound, shape: Shape) -> tuple[list[str], list[str], str]:
    """Constants, the last lines of the function, and its further parameters."""
    a, given = normalize.args, component(Normalization, normalize).constants
    if given is not None:
        named = zip(("MEAN", "STD"), given(a), strict=True)
        numbers = [f"{name} = {literal(tuple(map(float, values)))}" for name, values in named]
        return [*numbers, "", ""], [*_spread("MEAN", "STD"), "    return (x / 255 - mean) / std"], ""
    if normalize.name == "standard" and a.per == "set":
        more = ", mean: Sequence[float], std: Sequence[float]"
        return [], [*_spread("mean", "std"), "    return (x / 255 - shift) / scale"], more
    if normalize.name == "standard":
        count = " * ".join(map(str, shape))
        return (
            [],
            [
                "    x = x / 255",
                "    x = x - x.mean((1, 2, 3), keepdim=True)",
                "    deviation = x.square().mean((1, 2, 3), keepdim=True).sqrt()",
                f"    return x / deviation.clamp(min=({count}) ** -0.5)",
            ],
            "",
        )
    if normalize.name in PLAIN:
        return [], [f"    return {PLAIN[normalize.name]}"], ""
    arguments = ", ".join(f"{name}={literal(value)}" for name, value in a.as_dict().items())
    target = component(Normalization, normalize).target
    made = f"    normalize = {target}(SimpleNamespace({arguments}), {shape}, mean, std).to(x.device)"
    return [], [made, "    return normalize(x / 255)"], ", mean: Sequence[float], std: Sequence[float]"


def _spread(mean: str, std: str) -> list[str]:
    shift, scale = ("mean", "std") if mean == "MEAN" else ("shift", "scale")
    return [
        f"    {shift} = torch.tensor({mean}, device=x.device).view(1, -1, 1, 1)",
        f"    {scale} = torch.tensor({std}, device=x.device).view(1, -1, 1, 1)",
    ]
