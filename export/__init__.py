"""Checkpoint to ONNX, quantization and parity checks."""
