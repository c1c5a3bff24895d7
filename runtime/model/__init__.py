"""The acoustic model: ONNX files, what they say about themselves, and the session that runs them."""
