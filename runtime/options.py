"""Checks of what a program gives as an option: its type and its range, before anything is done with it."""

from __future__ import annotations

import math
from dataclasses import fields
from numbers import Integral, Real
from typing import Any

from speech_lstm.runtime.errors import OptionError


def is_number(value: object, kind: type = Real) -> bool:
    """Whether it is one, neither infinite nor NaN; a truth value is none. kind: `numbers.Real` or `Integral`."""
    return isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value)  # type: ignore[arg-type]


def check_number(name: str, value: Any, least: float, most: float = math.inf) -> None:
    """OptionError for what is no number from `least` to `most`."""
    if not (is_number(value) and least <= value <= most):
        wanted = f"from {least:g} to {most:g}" if most < math.inf else f"of at least {least:g}"
        raise OptionError(f"{name} is {value!r}, expected a number {wanted}")


def check_types(options: Any) -> None:
    """OptionError where a field of a dataclass that is annotated as float, int or bool holds something else."""
    for item in fields(options):
        value, kind = getattr(options, item.name), str(item.type)
        if value is None and kind.endswith(" | None"):
            continue
        name = kind.removesuffix(" | None")
        if name == "float" and not is_number(value):
            raise OptionError(f"{item.name} is {value!r}, expected a number")
        if name == "int" and not is_number(value, Integral):
            raise OptionError(f"{item.name} is {value!r}, expected a whole number")
        if name == "bool" and not isinstance(value, bool):
            raise OptionError(f"{item.name} is {value!r}, expected True or False")
