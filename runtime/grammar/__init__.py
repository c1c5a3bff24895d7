"""Grammars: what may be said, from phrases to a word graph, and back from words to what they mean."""

from .grammar import Grammar
from .interpretation import Interpretation, SlotSpan

__all__ = ["Grammar", "Interpretation", "SlotSpan"]
