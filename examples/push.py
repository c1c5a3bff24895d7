"""Push: PCM comes from somewhere else, here raw 16-bit samples on standard input, and a stream is fed with it.

arecord -q -f S16_LE -r 48000 -c 1 -t raw | python examples/push.py 48000
"""

import sys
from typing import BinaryIO

import speech_lstm as sl


def main(source: BinaryIO, sample_rate: int) -> list[str]:
    """The commands in all audio of the source."""
    recognizer = sl.Recognizer(grammar=["forward", "backward", "left", "right", "stop"])
    stream = recognizer.stream(sample_rate)
    heard: list[str] = []

    def handle(events: list[sl.Event]) -> None:
        for event in events:
            if isinstance(event, sl.Command):
                heard.append(event.result.text)
                print(event.result.text, f"{event.result.confidence:.2f}", flush=True)

    while data := source.read(sample_rate // 10):  # 50 ms; a sample may be cut in two
        handle(stream.accept(data))
    handle(stream.finish())
    return heard


if __name__ == "__main__":
    main(sys.stdin.buffer, int(sys.argv[1]))
