"""Acoustic models in PyTorch, front end included."""
