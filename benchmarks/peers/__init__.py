"""Other recognisers beside this one, on the same audio and one core: `python -m benchmarks.peers --help`."""
