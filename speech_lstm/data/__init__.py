"""Corpora to batches: manifests, alignments, augmentation."""
