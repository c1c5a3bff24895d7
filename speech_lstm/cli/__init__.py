"""The `speech-lstm` command."""
