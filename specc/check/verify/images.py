"""Checks that the settings of `data` about images go together."""

from specc.check.context import Context
from specc.diagnostics import Label
from specc.syntax import tree as t
from specc.tricks.sections import DataSettings
from specc.vocabulary.family import Source
from specc.vocabulary.registry import component


def images_fit(data: DataSettings, settings: dict[str, t.Setting], context: Context) -> None:
    """Report what `channels`, `range` and `view` do not go with: E228, E216 and E303. settings: as they are written."""
    source = component(Source, data.source)
    idle = [("channels", data.channels == "gray" and source.channels != 1), ("range", data.range is not None)]
    for name in [name for name, is_set in idle if is_set and not source.files]:
        message = f"`{name}` says how image files are read, but `{source.name}` has no image files"
        labels = (Label(data.source.span, "arrays of pixels"),) if data.source.span else ()
        help = f"remove `{name}`: the images are taken as they are"
        context.error("E228", message, settings[name].value.span, labels=labels, help=help)
    if data.range and data.range[0] >= data.range[1]:
        low, high = data.range
        message = f"the range of `range` is {'empty' if low == high else 'reversed'}: {low} to {high}"
        context.error("E216", message, settings["range"].value.span, help="put black first, then white")
    if data.view:
        _view_fits(data, settings, context)


def view_fits(data: DataSettings) -> bool:
    """Whether what the network sees is a part of the resized images."""
    return data.view is None or (data.resizing is not None and _within(data.view, data.resizing.size))


def _view_fits(data: DataSettings, settings: dict[str, t.Setting], context: Context) -> None:
    span = settings["view"].value.span
    if data.resizing is None:
        message = "`view` is what the network sees of resized images, but `resize` is not set"
        context.error("E228", message, span, help="set resize, such as resize = cover(256x256), or remove `view`")
    elif not view_fits(data):
        size, place = data.resizing.size, settings["resize"].value.span
        message = f"`view` of {data.view} is larger than the images of {size}"
        help = f"use at most view = {size}, or a larger `resize`"
        context.error("E303", message, span, labels=(Label(place, str(size)),), help=help)


def _within(part: tuple[int, int], whole: tuple[int, int]) -> bool:
    return part[0] <= whole[0] and part[1] <= whole[1]
