"""A Ray cluster of two worker nodes here: an actor, a node and the driver die, and every file is in the output once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
import soundfile

from speech_lstm.batch import ListenerOptions, transcribe
from speech_lstm.batch.settings import NAME
from speech_lstm.cli import main
from speech_lstm.runtime.audio import read_audio
from tests.ftp_server import FtpServer

DATA = Path(__file__).parent / "data"
WORDS = sorted((DATA / "words").glob("*.opus"))
GRAMMAR = DATA / "words.txt"
STORE = 80 << 20  # bytes, the least that Ray takes is 75 MiB

# A dead node is found after a second, and not after 15.
HEALTH = {"health_check_initial_delay_ms": 1000, "health_check_period_ms": 500, "health_check_failure_threshold": 4}


@dataclass
class TwoNodes:
    """The address of a cluster, and its worker nodes, each with one core for actors; the head has none."""

    cluster: Any
    nodes: list[Any]

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def kill(self) -> None:
        """A worker node dies at once, as if its plug were pulled."""
        self.cluster.remove_node(self.nodes.pop(), allow_graceful=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The home folder of the cluster, whose workers know nothing of what this package sets in its own process."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder))
        for name in ("CI", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME"):
            patch.delenv(name, raising=False)
        yield folder


@pytest.fixture(scope="module")
def two_nodes(home: Path) -> Iterator[TwoNodes]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "object_store_memory": STORE, "include_dashboard": False, "_system_config": HEALTH}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        nodes = [cluster.add_node(num_cpus=1, object_store_memory=STORE, wait=False) for _ in range(2)]
        cluster.wait_for_nodes()
        yield TwoNodes(cluster, nodes)
    finally:
        cluster.shutdown()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 recordings: words, a minute of them over and over, and files with nothing to hear."""
    folder = tmp_path_factory.mktemp("lake")
    minute = folder / "minute-00.flac"
    speech = np.concatenate([np.pad(read_audio(clip), (0, 16000)) for clip in WORDS])
    soundfile.write(minute, np.resize(speech, 60 * 16000), 16000)
    for number in range(1, 30):
        os.link(minute, folder / f"minute-{number:02}.flac")
    for number in range(26):
        (folder / f"word-{number:02}.opus").write_bytes(WORDS[number % len(WORDS)].read_bytes())
    (folder / "empty-0.wav").touch()
    (folder / "empty-1.wav").touch()
    (folder / "cut-0.flac").write_bytes(minute.read_bytes()[:50_000])
    (folder / "photo-0.mp3").write_bytes(bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + bytes(9000))
    return folder


def rows_of(output: Path) -> list[dict[str, Any]]:
    """All rows of all parts, and nothing else is in the folder but what they were made with."""
    parts = [path for path in output.iterdir() if path.name != NAME]
    assert all(path.name.startswith("part-") for path in parts)
    return [row for path in parts for row in pyarrow.parquet.read_table(path).to_pylist()]


def parent(process: int) -> int:
    """0 for one that has ended."""
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def actor_processes(two_nodes: TwoNodes) -> list[int]:
    """Those that hear, of this cluster."""
    raylets = {node.all_processes["raylet"][0].process.pid for node in two_nodes.nodes}
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            title = (folder / "cmdline").read_bytes().split(b"\0")[0]
        except OSError:
            continue  # it has ended meanwhile
        above = parent(int(folder.name))
        if b"Hearer" in title and raylets & {above, parent(above)}:
            found.append(int(folder.name))
    return found


def kill_meanwhile(two_nodes: TwoNodes, output: Path, first: int, killed: list[int]) -> None:
    """An actor when two more parts are written, a worker node after three more; notes how many parts there were."""
    while len(list(output.glob("part-*"))) < first + 2 or not (actors := actor_processes(two_nodes)):
        time.sleep(0.02)
    os.kill(actors[0], signal.SIGKILL)
    killed.append(len(list(output.glob("part-*"))))
    while len(list(output.glob("part-*"))) < first + 5:
        time.sleep(0.02)
    two_nodes.kill()
    killed.append(len(list(output.glob("part-*"))))


def test_ctrl_c_then_an_actor_and_a_node_die_and_every_file_is_there_once(
    two_nodes: TwoNodes, home: Path, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [*(path.name for path in sorted(lake.iterdir())), "gone.wav"]
    (lake / "calls.jsonl").write_text("".join(json.dumps({"path": name}) + "\n" for name in names))
    output = lake / "out"
    with FtpServer(lake) as server:
        arguments = ["transcribe", f"{server.url}/calls.jsonl", "--column", "path", "--grammar", str(GRAMMAR)]
        arguments += ["--engine", "ray", "--address", two_nodes.address, "--part-files", "3"]
        arguments += ["--output", f"{server.url}/out"]
        command = [sys.executable, "-m", "speech_lstm.cli", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            while running.poll() is None and not list(output.glob("part-*")):
                time.sleep(0.02)
            running.send_signal(signal.SIGINT)
            printed, reported = running.communicate(timeout=240)
        assert running.returncode == 130 and not printed
        assert "--resume goes on from there" in reported and "Traceback" not in reported
        before = {path: path.stat().st_mtime_ns for path in output.glob("part-*")}
        killed: list[int] = []
        killer = threading.Thread(target=kill_meanwhile, args=(two_nodes, output, len(before), killed), daemon=True)
        killer.start()
        assert main([*arguments, "--resume"]) == 1
        killer.join(10)
        assert {path: path.stat().st_mtime_ns for path in before} == before
        assert len(killed) == 2 and killed[1] < len(list(output.iterdir())) - 3, "the node died in the middle"
        rows = rows_of(output)
        assert Counter(row["file"] for row in rows) == {f"{server.url}/{name}": 1 for name in names}
    assert "finished before" in capsys.readouterr().err
    texts: dict[str, set[str]] = {}
    for row in rows:
        kind = Path(row["file"]).name.split("-")[0]
        texts.setdefault(kind, set()).add(json.dumps([result["text"] for result in row["results"]]))
        assert (row["error"] is None) == (kind in ("minute", "word"))
    (minute,) = transcribe([lake / "minute-00.flac"], ListenerOptions(GRAMMAR, device="cpu"), jobs=1)
    assert texts["minute"] == {json.dumps([result.text for result in minute.results])} and len(minute.results) > 10
    assert not list(home.rglob("*onnxruntime*")), "no worker has made a device id"
    assert texts["cut"] != {"[]"}, "what precedes the damage is kept"
