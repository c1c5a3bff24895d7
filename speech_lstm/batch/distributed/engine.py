"""The driver: plans parts, sends them through a stage of Ray Data, and says how far it is."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from speech_lstm.batch.distributed.hearer import Attempts, Hearer, ShippedListener
from speech_lstm.batch.distributed.parts import PartFolder
from speech_lstm.batch.listeners import ListenerOptions
from speech_lstm.batch.settings import Settings
from speech_lstm.batch.transcriber import BatchOptions
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.runtime.options import check_number, check_types

PART_FILES = 1000

PARTS_PER_ACTOR = 8
"""At least so many, as far as there are files, so that all actors end at about the same time."""

ROUND_PARTS = 1000
"""Parts that Ray Data is given at once, or PARTS_PER_ACTOR times 4 for each actor if that is more: the names of their
files are in the memory of the cluster."""

STORE_BYTES = 100 << 20
"""Object store of a cluster that is started here; only names and summaries go through it."""


@dataclass(frozen=True)
class ClusterOptions:
    """`address`: of a Ray cluster, "auto" for one that runs here, None: $RAY_ADDRESS, or else a new one here.

    `actors`: workers with a core each; None: one for each core of the cluster. `part_files`: most files in a part.
    """

    address: str | None = None
    actors: int | None = None
    part_files: int = PART_FILES

    def __post_init__(self) -> None:
        """OptionError for values outside their range."""
        check_types(self)
        check_number("part_files", self.part_files, 1)
        if self.actors is not None:
            check_number("actors", self.actors, 1)


@dataclass(frozen=True)
class PartSummary:
    """A part that is finished, or not: `problem` says why it could not be written.

    `files`: in the part; `failed` of them have an error, `errors` are the first of these. `seconds`: of audio.
    `cpu_seconds`: of the actor, from fetching the files to writing the part.
    """

    files: int
    seconds: float
    cpu_seconds: float = 0.0
    failed: int = 0
    errors: tuple[str, ...] = ()
    problem: str | None = None


def run(
    names: Sequence[str],
    listener: ListenerOptions,
    options: BatchOptions,
    output: PartFolder,
    cluster: ClusterOptions,
) -> Iterator[PartSummary]:
    """Hear files and write parts; a summary of each part, in the order in which they are finished.

    names: absolute paths or URLs, each once. Actors and machines may die meanwhile. Closing the iterator stops the work
    and leaves the cluster; what is written stays. SpeechLstmError where Ray cannot be used or gives up, and what
    `Recognizer` raises for a bad grammar or model.
    """
    listener.load()  # for its errors
    shipped = ShippedListener.pack(listener)
    output.prepare(Settings.of(listener, options))
    ray = _connect(cluster.address)
    try:
        actors = cluster.actors or max(1, int(ray.cluster_resources().get("CPU", 1)))
        size = min(cluster.part_files, max(1, len(names) // (PARTS_PER_ACTOR * actors)))
        parts = [names[start : start + size] for start in range(0, len(names), size)]
        count = max(ROUND_PARTS, 4 * PARTS_PER_ACTOR * actors)
        attempts = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Attempts).remote()
        for start in range(0, len(parts), count):
            some = parts[start : start + count]
            yield from _round(some, min(actors, len(some)), (shipped, options, output, attempts))
    except (ray.exceptions.RayError, ray.exceptions.RaySystemError) as error:
        raise SpeechLstmError(f"Ray gave up: {str(error).strip().splitlines()[-1]}") from error
    finally:
        ray.shutdown()
    output.tidy()


def _connect(address: str | None) -> Any:
    """The module `ray`, connected."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # it calls every actor with a model in it an error
    try:
        import ray
        import ray.data
    except ImportError:
        raise SpeechLstmError("Ray is missing: pip install 'speech-lstm[distributed]'") from None
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    address = address or os.environ.get("RAY_ADDRESS")
    try:
        if address:
            ray.init(address, **quiet)
        else:
            ray.init("local", include_dashboard=False, object_store_memory=STORE_BYTES, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise SpeechLstmError(f"no Ray cluster at {address or 'this machine'}: {error}") from None
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    return ray


def _round(parts: Sequence[Sequence[str]], actors: int, arguments: tuple[Any, ...]) -> Iterator[PartSummary]:
    """Each part is a block of its own, so that it is the unit of all retries."""
    import ray.data

    uses_cuda = arguments[0].options.device == "cuda"
    rows = [{"names": json.dumps(list(names))} for names in parts]
    heard = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
        Hearer,
        fn_constructor_args=arguments,
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=actors, initial_size=actors),
        num_cpus=1,
        num_gpus=1 if uses_cuda else 0,
    )
    for row in heard.iter_rows():
        summary = json.loads(row["summary"])
        yield PartSummary(**{**summary, "errors": tuple(summary.get("errors", ()))})
