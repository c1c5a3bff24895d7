"""Tests of the promises in the README and the docstrings, on real recordings and real models."""
