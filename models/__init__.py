"""The shipped ONNX models and their cards."""
