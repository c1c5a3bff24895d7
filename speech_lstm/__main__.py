"""The `speech-lstm` script, and `python -m speech_lstm`."""

import signal
import sys


def main() -> int:
    """The exit code."""
    is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_default:  # until all is imported Ctrl-C ends it at once: an exception may be lost in an import, or be shown
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from speech_lstm.cli import main as run

    if is_default:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
