"""Training of acoustic models."""
