"""The fields of a JSON document, checked when they are read: one error that names the file and the field."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from speech_lstm.runtime.decoding.graph import IntArray
from speech_lstm.runtime.errors import GrammarError

AGAIN = "compile it again with `speech-lstm grammar compile`"


class Fields:
    """An object of a document. `place`: file and the way to it, for errors."""

    def __init__(self, value: object, place: str) -> None:
        """GrammarError for what is no object."""
        self.place = place
        self._values = self._typed(value, dict, "an object", place)

    def wrong(self, name: str, problem: str) -> GrammarError:
        """The error about a field."""
        return GrammarError(f"{self._at(name)} {problem}; {AGAIN}")

    def inside(self, name: str) -> Fields:
        """An object in a field."""
        return Fields(self._get(name), self._at(name))

    def objects(self, name: str) -> Iterator[Fields]:
        """Objects in a list."""
        for number, value in enumerate(self._list(name)):
            yield Fields(value, f"{self._at(name)}[{number}]")

    def any(self, name: str) -> Any:
        """What may be anything."""
        return self._get(name)

    def has(self, name: str) -> bool:
        """Whether it is there and not null."""
        return self._values.get(name) is not None

    def text(self, name: str) -> str:
        """A text that is not empty."""
        value: str = self._typed(self._get(name), str, "a text", self._at(name))
        if not value:
            raise self.wrong(name, "is empty")
        return value

    def texts(self, name: str) -> list[str]:
        """Different texts, none of them empty."""
        values = self._list(name)
        for number, value in enumerate(values):
            if not isinstance(value, str) or not value:
                raise self.wrong(f"{name}[{number}]", f"is {_short(value)}, expected a text")
        if len(set(values)) < len(values):
            raise self.wrong(name, "has a text twice")
        return values

    def number(self, name: str, least: float = -math.inf, most: float = math.inf) -> float:
        """A finite number in a range."""
        value = self._get(name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not (abs(value) < 1e300 and least <= value <= most):
            raise self.wrong(name, f"is {_short(value)}, expected a number{_range(least, most)}")
        return float(value)

    def whole(self, name: str, least: int, most: int) -> int:
        """A whole number in a range."""
        value = self._get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(name, f"is {_short(value)}, expected a whole number{_range(least, most)}")
        return value

    def wholes(self, name: str, least: int, most: int, length: int | None = None) -> IntArray:
        """int64 [n]: whole numbers in a range."""
        values = self._list(name)
        if length is not None and len(values) != length:
            raise self.wrong(name, f"has {len(values)} numbers, expected {length}")
        return self._whole_array(values, name, least, most)

    def numbers(self, name: str, least: float, most: float, length: int) -> None:
        """So many finite numbers in a range."""
        values = self._list(name)
        if len(values) != length:
            raise self.wrong(name, f"has {len(values)} numbers, expected {length}")
        for number, value in enumerate(values):
            if type(value) not in (int, float) or not least <= value <= most:
                problem = f"is {_short(value)}, expected a number{_range(least, most)}"
                raise self.wrong(f"{name}[{number}]", problem)

    def ways(self, name: str, num_tokens: int) -> list[tuple[int, ...]]:
        """Ways to say something, each of tokens but blank; at least one."""
        found = self._ways(self._get(name), name, num_tokens)
        if not found:
            raise self.wrong(name, "are none")
        return found

    def all_ways(self, name: str, num_tokens: int, length: int) -> list[list[tuple[int, ...]]]:
        """The same for so many things, some of which may have none."""
        values = self._list(name)
        if len(values) != length:
            raise self.wrong(name, f"has {len(values)} entries, expected {length}")
        return [self._ways(value, f"{name}[{number}]", num_tokens) for number, value in enumerate(values)]

    def _ways(self, value: object, name: str, num_tokens: int) -> list[tuple[int, ...]]:
        found = []
        for number, way in enumerate(self._typed(value, list, "a list", self._at(name))):
            at = f"{name}[{number}]"
            if not self._typed(way, list, "a list", self._at(at)):
                raise self.wrong(at, "is empty")
            found.append(tuple(self._whole_array(way, at, 1, num_tokens - 1).tolist()))
        return found

    def _whole_array(self, values: list[Any], name: str, least: int, most: int) -> IntArray:
        for number, value in enumerate(values):
            if type(value) is not int or not least <= value <= most:
                problem = f"is {_short(value)}, expected a whole number{_range(least, most)}"
                raise self.wrong(f"{name}[{number}]", problem)
        return np.array(values, dtype=np.int64)

    def _list(self, name: str) -> list[Any]:
        value: list[Any] = self._typed(self._get(name), list, "a list", self._at(name))
        return value

    def _get(self, name: str) -> Any:
        if name not in self._values:
            raise self.wrong(name, "is missing")
        return self._values[name]

    def _at(self, name: str) -> str:
        return f"{self.place}{'' if self.place.endswith(': ') else '.'}{name}"

    @staticmethod
    def _typed(value: object, kind: type, wanted: str, at: str) -> Any:
        if not isinstance(value, kind):
            raise GrammarError(f"{at.removesuffix(': ')} is {_short(value)}, expected {wanted}; {AGAIN}")
        return value


def _range(least: float, most: float) -> str:
    if math.isinf(least) and math.isinf(most):
        return ""
    return f" from {least:g} to {most:g}" if most < math.inf else f" of at least {least:g}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
