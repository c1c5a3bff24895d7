"""Sound in: PCM, files, the microphone."""
