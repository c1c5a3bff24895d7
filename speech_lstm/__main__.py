"""`python -m speech_lstm`, the same as the `speech-lstm` script."""

import sys

from speech_lstm.cli import main

if __name__ == "__main__":
    sys.exit(main())
