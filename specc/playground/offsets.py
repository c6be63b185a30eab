"""Offsets in a text: in characters here, in UTF-16 code units in a browser."""

LAST_OF_ONE_UNIT = "\uffff"


class Offsets:
    """Converts the offsets of one text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.is_same = text.isascii() or max(text, default="") <= LAST_OF_ONE_UNIT

    def units(self, offset: int) -> int:
        """How many code units stand before a character."""
        if self.is_same:
            return offset
        return offset + sum(letter > LAST_OF_ONE_UNIT for letter in self.text[:offset])

    def characters(self, units: int) -> int:
        """How many characters stand before a code unit; the text's length for one behind its end."""
        if self.is_same:
            return min(units, len(self.text))
        for offset, letter in enumerate(self.text):
            if units <= 0:
                return offset
            units -= 2 if letter > LAST_OF_ONE_UNIT else 1
        return len(self.text)
