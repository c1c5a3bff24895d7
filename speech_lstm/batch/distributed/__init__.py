"""Transcription on a cluster of Ray, over whatever storage fsspec knows: the [distributed] extra."""
