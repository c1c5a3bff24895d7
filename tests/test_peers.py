"""The comparison with other recognisers, on the bundled recordings; peers that are not installed are left out."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers.__main__ import main
from benchmarks.peers.jobs import finite_state_grammar
from benchmarks.peers.report import at_most, best_apart, understood
from speech_lstm.runtime.grammar import Grammar

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("peers")
    assert main(["--suite", str(DATA / "suite.toml"), "--limit", "1", "--snr", "15", "--out", str(found)]) == 0
    return found


def peers(folder: Path, job: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "peers.json").read_text())["jobs"][job]["peers"]
    return found


def test_this_package_hears_commands_and_wake_words(folder: Path) -> None:
    for name in ("speech-lstm", "speech-lstm, whole clips"):
        found = peers(folder, "36 words")[name]
        assert {row["condition"] for row in found["rows"]} == {"clean", "rain, 15 dB"}
        assert found["cpu"] > 0 and found["megabytes"] > 1 and found["bytes"] > 1e6
        right = [row for row in found["rows"] if row["measure"] == "right and accepted"]
        assert all(0 <= row["low"] <= row["value"] <= row["high"] <= 1 for row in right)
    for row in peers(folder, "wake words")["speech-lstm"]["rows"]:
        assert row["hours"] > 0 and all(0 <= missing <= 1 for _, missing in row["curve"])


@pytest.mark.skipif(importlib.util.find_spec("pvporcupine") is not None, reason="Porcupine is installed")
def test_a_peer_that_is_not_installed_is_left_out_with_its_pip_line(folder: Path) -> None:
    assert peers(folder, "wake words")["Porcupine"] == {"left out": "not installed: pip install pvporcupine==1.9.5"}
    assert "pip install pvporcupine==1.9.5" in (folder / "peers.md").read_text()


def test_there_is_a_picture(folder: Path) -> None:
    assert (folder / "peers.png").read_bytes().startswith(b"\x89PNG")


def test_the_grammar_of_pocketsphinx_has_the_same_sentences(tmp_path: Path) -> None:
    pocketsphinx = pytest.importorskip("pocketsphinx")
    grammar = Grammar.from_phrases(["turn (on|off) [the] light", "stop"])
    decoder = pocketsphinx.Decoder(lm=None, loglevel="FATAL")
    path = tmp_path / "job.fsg"
    path.write_text(finite_state_grammar(grammar.graph))
    fsg = decoder.read_fsg(str(path))
    for words, is_sentence in (("turn on light", True), ("turn off the light", True), ("stop", True), ("turn", False)):
        assert fsg.accept(words) == is_sentence


def test_what_a_peer_says_is_read_by_the_grammar() -> None:
    grammar = Grammar.from_phrases(["yes", "no"])
    said = {"accepted": True, "text": "Yes.", "intent": None, "slots": None}
    assert understood(said, grammar) == (None, frozenset(), "yes")
    assert understood({**said, "text": "yes please"}, grammar) is None
    assert understood({**said, "accepted": False}, grammar) is None


def test_wake_words_within_a_second_count_once_with_their_best_score() -> None:
    found = [{"score": s, "second": t} for s, t in ((0.5, 1.0), (0.9, 1.5), (0.4, 3.0))]
    assert best_apart(found) == [0.9, 0.4]
    assert at_most([(0.0, 0.5), (2.0, 0.2), (9.0, 0.1)], 2) == 0.2
    assert at_most([(4.0, 0.1)], 2) is None
