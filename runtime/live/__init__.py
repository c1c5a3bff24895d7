"""Streams of audio to events: the recognizer and all that it is asked for."""
