"""Other recognisers beside this one, on the same audio, one after the other, each in a process of its own.

    python3.11 -m venv ~/peers && ~/peers/bin/pip install -r benchmarks/peers/requirements.txt
    python -m benchmarks.peers --peers-python ~/peers/bin/python --out runs/peers

The commands and wake words of a suite file (see docs/evaluation.md): every [commands.NAME] clean and in noise, and
other speech, which should be rejected; [wake] in noise of 10 dB. Peers that are not installed are left out, and
Whisper hears a part of the clips. Writes peers.json, peers.md and peers.png. Needs the [train] and [dev] extras.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.peers.jobs import Job, Maker
from benchmarks.peers.others import Whisper
from benchmarks.peers.ours import SpeechLstm
from benchmarks.peers.peer import Peer
from benchmarks.peers.report import command_rows, markdown, plot, wake_rows
from benchmarks.peers.worker import PEERS
from speech_lstm.evaluation.suite import Suite, load_suite
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.runtime.model.model import Model

NEGATIVE_CLIPS = 100
"""Of each corpus of other speech for wake words, at most."""

ROOT = Path(__file__).parents[2]


def run(peer: type[Peer], job: Job, folder: Path, python: Path, suite: Suite, whisper_clips: int) -> dict[str, Any]:
    """What a peer makes of a job, or why it is left out."""
    if peer is Whisper:
        job = replace(job, pieces=fewer(job, whisper_clips), written=dict(job.written))
    command = [str(python), "-m", "benchmarks.peers.worker", peer.name, str(job.write(folder))]
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **one})
    if done.returncode:
        return {"left out": f"failed: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"}
    result: dict[str, Any] = json.loads(done.stdout)
    if "missing" in result:
        return {"left out": f"not installed: {install(peer)}"}
    if "unfit" in result:
        return {"left out": result["unfit"]}
    heard = result.pop("heard")
    rows = command_rows(job, heard, suite) if job.kind == "commands" else wake_rows(job, heard, result["usual"], suite)
    return {**result, "rows": rows}


def install(peer: type[Peer]) -> str:
    """How to get it, in the version that was measured."""
    lines = Path(__file__).with_name("requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line.split("#")[0].strip() for line in lines]
    return f"pip install {' '.join(line for line in wanted if line.split('==')[0] in peer.packages)}"


def fewer(job: Job, most: int) -> list[Any]:
    """Pieces evenly spread, at most so many of each condition."""
    by_condition: dict[tuple[str, bool], list[Any]] = {}
    for piece in job.pieces:
        by_condition.setdefault((piece.condition.name, piece.said is None), []).append(piece)
    return [piece for part in by_condition.values() for piece in part[:: -(-len(part) // most)]]


def measure(
    suite: Suite, model: Model, python: Path, snr_db: Sequence[float], limit: int | None, whisper_clips: int
) -> dict[str, Any]:
    """Everything, for JSON."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        maker = Maker(suite, model, folder, limit)
        jobs = [maker.commands(name, options, snr_db) for name, options in suite.commands.items()]
        if suite.wake:
            negatives = min(suite.wake.negative_clips, NEGATIVE_CLIPS)
            jobs.append(maker.wake_words(replace(suite.wake, negative_clips=negatives)))
        maker.audio.close()
        results: dict[str, Any] = {"suite": suite.path.name, "model": model.path.name, "limit": limit, "jobs": {}}
        for job in jobs:
            found = {}
            for peer in (each for each in PEERS if job.kind in each.kinds):
                begin = time.monotonic()
                own = Path(sys.executable) if issubclass(peer, SpeechLstm) else python
                found[peer.name] = run(peer, job, folder, own, suite, whisper_clips)
                told = found[peer.name].get("left out") or f"{time.monotonic() - begin:.0f} s"
                print(f"{job.name}: {peer.name}: {told}", file=sys.stderr, flush=True)
            results["jobs"][job.name] = {"kind": job.kind, "peers": found}
    return results


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files and print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--suite", type=Path, default=ROOT / "configs" / "suite.toml", metavar="TOML")
    parser.add_argument("--model", default="default", help="an .onnx file or the name of a shipped model")
    parser.add_argument(
        "--peers-python", type=Path, default=Path(sys.executable), metavar="PYTHON", help="that has the peers"
    )
    parser.add_argument("--snr", nargs="+", type=float, default=(15.0, 6.0), metavar="DB", help="default: 15 6")
    parser.add_argument("--limit", type=int, help="so many clips of each corpus at most, for a quick run")
    parser.add_argument(
        "--whisper-clips", type=int, default=40, metavar="N", help="of each condition (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/peers"), metavar="FOLDER")
    args = parser.parse_args(arguments)
    try:
        suite, model = load_suite(args.suite), Model.load(args.model, "cpu")
        results = measure(suite, model, args.peers_python, args.snr, args.limit, args.whisper_clips)
    except SpeechLstmError as error:
        print(error, file=sys.stderr)
        return 1
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "peers.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    (args.out / "peers.md").write_text(markdown(results), encoding="utf-8")
    plot(results, args.out / "peers.png")
    print(markdown(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
