"""Audio in, commands out: the light runtime. Needs numpy, onnxruntime and the standard library at import time."""
