"""`none`: no images yet, as in the specs of the zoo."""

from typing import NoReturn

from specc.backend.data.places import Where
from specc.errors import SpeccError
from specc.values import Args


def read_none(a: Args, where: Where) -> NoReturn:
    """Raises SpeccError E437: there is nothing to read."""
    raise SpeccError(
        "E437",
        "`data.source` is `none`, so there is nothing to train on",
        help='name your images, such as data { source = folder("photos") }',
        status=1,
    )
