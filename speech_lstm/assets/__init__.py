"""Makers of the files in `runtime/data`."""
