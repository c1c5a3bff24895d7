"""Free transcription (experimental): words under a bigram, without a grammar."""
