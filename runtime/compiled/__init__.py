"""Compiled grammars: files with all that a decoder needs, no lexicon among it. See docs/compiled_grammar.md."""
