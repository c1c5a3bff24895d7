"""A server that is killed and started again: clients that reconnect lose nothing of what is said meanwhile."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from .served import GRAMMAR, clip, start

CLIENT = Path(__file__).parents[1] / "examples" / "client.py"


def test_what_is_said_while_the_server_is_away_is_heard_late(tmp_path: Path) -> None:
    grammar = tmp_path / "words.yaml"
    grammar.write_text(GRAMMAR)
    first = start(grammar)
    words = ["left", "forward", "right", "up"]
    audio = b"".join(clip(word, 1.0) for word in words)
    command = [sys.executable, str(CLIENT), f"ws://127.0.0.1:{first.http}/ws", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as client:
        assert client.stdin is not None and client.stdout is not None
        half = len(clip(words[0], 1.0)) + len(clip(words[1], 1.0)) // 2  # within the second word
        for at in range(0, half, 2560):
            client.stdin.write(audio[at : at + 2560])
            client.stdin.flush()
            time.sleep(0.03)
        assert client.stdout.readline().startswith(b"left ")
        first.process.kill()
        first.process.wait()
        client.stdin.write(audio[at + 2560 : at + 16000])
        client.stdin.flush()
        second = start(grammar, "--http", f"127.0.0.1:{first.http}")
        try:
            printed, told = client.communicate(audio[at + 16000 :], timeout=60)
        finally:
            assert second.stop()[0] == 0
    assert [line.split()[0].decode() for line in printed.splitlines()] == words[1:]
    assert client.returncode == 0 and b"trying again" in told and b"Traceback" not in told
