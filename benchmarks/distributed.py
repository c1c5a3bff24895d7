"""Batch transcription on a Ray cluster of this machine: audio seconds a second and a CPU second, for 1 and 2 workers.

    python -m benchmarks.distributed MANIFEST... [--clips 600] [--workers 1 2] [--repeats 3] [--model FILE]

Each worker is a node of its own with one core. Dev clips are written as FLAC into a temporary folder and heard with a
hundred phrases, as in `benchmarks.batch`. Time is from the first part to the last, without the start of the cluster.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.batch import choose, write_flac
from speech_lstm.batch import ListenerOptions
from speech_lstm.batch.distributed.engine import ClusterOptions, PartSummary, run
from speech_lstm.batch.distributed.parts import PartFolder
from speech_lstm.batch.transcriber import BatchOptions
from speech_lstm.data.corpus import read_manifest

STORE_BYTES = 80 << 20
PART_FILES = 15


def measure(files: Sequence[Path], listener: ListenerOptions, workers: int, address: str) -> tuple[float, float]:
    """Audio seconds a second and a CPU second of the workers."""
    names = [str(path) for path in files]
    with tempfile.TemporaryDirectory() as folder:
        cluster = ClusterOptions(address, workers, PART_FILES)
        times: list[float] = []
        parts: list[PartSummary] = []
        for summary in run(names, listener, BatchOptions(), PartFolder(folder), cluster):
            times.append(time.monotonic())
            parts.append(summary)
    timed = parts[workers:]  # the first of each worker begins before it is known
    audio = sum(part.seconds for part in timed)
    return audio / (times[-1] - times[workers - 1]), audio / sum(part.cpu_seconds for part in timed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table."""
    from ray.cluster_utils import Cluster

    parser = argparse.ArgumentParser(prog="python -m benchmarks.distributed", description="Measure a Ray cluster.")
    parser.add_argument("manifests", nargs="+", type=Path, metavar="MANIFEST")
    parser.add_argument("--clips", type=int, default=600, help="at most (default: %(default)s)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--model", default="default", help="an .onnx file or the name of a shipped model")
    parser.add_argument("--repeats", type=int, default=3, help="the best counts (default: %(default)s)")
    args = parser.parse_args(arguments)
    rows, phrases = choose([row for path in args.manifests for row in read_manifest(path, "dev")], args.clips)
    listener = ListenerOptions(phrases, args.model, "cpu")
    head = {"num_cpus": 0, "object_store_memory": STORE_BYTES, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        for _ in range(max(args.workers)):
            cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)
        with tempfile.TemporaryDirectory() as folder:
            clips = write_flac(rows, Path(folder))
            files = [clip.path for clip in clips]
            print(f"{len(files)} FLAC files, {sum(clip.seconds for clip in clips):.0f} s; {len(phrases)} phrases\n")
            found: dict[int, list[tuple[float, float]]] = {workers: [] for workers in args.workers}
            for _, workers in itertools.product(range(args.repeats), args.workers):
                found[workers].append(measure(files, listener, workers, cluster.address))
            print("| workers | audio seconds a second | audio seconds per CPU second |\n|---:|---:|---:|")
            for workers, values in found.items():
                wall, cpu = (max(column) for column in zip(*values, strict=True))
                print(f"| {workers} | {wall:.0f} | {cpu:.0f} |")
    finally:
        cluster.shutdown()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
