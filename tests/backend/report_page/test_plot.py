"""Charts keep within their frame."""

import re

from specc.backend.report_page.plot import WIDTH, axes, axis, percent


def test_the_last_number_of_an_axis_is_whole() -> None:
    shares = axis([0.0, 1.0], "probability", percent)
    numbers = re.findall(r'<text x="([\d.]+)" y="[\d.]+" text-anchor="middle">(\d+%)</text>', axes(shares, shares))
    place, words = numbers[-1]
    assert words == "100%"
    assert float(place) + 17 <= WIDTH  # half of four characters, some 8.5 wide where fonts are wide
