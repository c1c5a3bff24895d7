"""One peer and one job, in a process of its own: `python -m benchmarks.peers.worker PEER JOB.json`.

Prints one line of JSON: what was heard in each piece, CPU seconds of hearing it, memory above that of Python with
NumPy, bytes of the files that the peer needs; or why it cannot do the job.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import others, ours
from benchmarks.peers.peer import Audio, Job, Peer, Unfit

PEERS: tuple[type[Peer], ...] = (
    ours.SpeechLstm,
    ours.SpeechLstmClips,
    others.PocketSphinx,
    others.Rhino,
    others.Porcupine,
    others.OpenWakeWord,
    others.MicroWakeWord,
    others.Whisper,
)


def peak_megabytes() -> float:
    """Of this process. Linux only."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1000


def do(kind: type[Peer], job: Job) -> dict[str, Any]:
    """What came of it."""
    empty = peak_megabytes()
    try:
        peer = kind(job)
    except Unfit as error:
        return {"unfit": str(error)}
    except ImportError as error:
        return {"missing": str(error)}
    heard: list[list[dict[str, Any]]] = []
    peak = 0.0
    spent = seconds = 0.0
    for offset, samples in job["pieces"]:
        audio: Audio = np.fromfile(job["audio"], np.int16, samples, offset=2 * offset)
        seconds += samples / 16000
        begin = time.process_time()
        found: Any = [peer.hear(audio)] if job["kind"] == "commands" else peer.listen(audio)
        spent += time.process_time() - begin
        if job["kind"] != "commands":
            peak = peak or peak_megabytes()  # what the curve takes is not the peer's
            found += peer.more(audio)
        heard.append([asdict(each) for each in found])
    return {
        "heard": heard,
        "cpu": spent,
        "seconds": seconds,
        "megabytes": round((peak or peak_megabytes()) - empty, 1),
        "bytes": sum(path.stat().st_size for path in peer.files()),
        "usual": peer.usual,
    }


def main() -> int:
    """Hear everything."""
    name, path = sys.argv[1:]
    kind = next(peer for peer in PEERS if peer.name == name)
    printed = os.dup(1)
    os.dup2(2, 1)  # what libraries print is no result
    result = do(kind, json.loads(Path(path).read_text(encoding="utf-8")))
    with os.fdopen(printed, "w", encoding="utf-8") as out:
        out.write(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
