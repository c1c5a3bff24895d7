"""Results and events: read-only, ready for JSON."""

import dataclasses
import json

import pytest

from speech_lstm.runtime.results import NOTHING, Alternative, Command, Result, Slot, Timeout, Word

RESULT = Result(
    text="dim the lamp to twenty one",
    confidence=0.9,
    accepted=True,
    intent="Dim",
    slot_details=(Slot("name", "lamp", "lamp", 0.4, 0.8, 0.95), Slot("level", 21, "twenty one", 0.9, 1.5, 0.85)),
    words=(Word("dim", 0.0, 0.2, 0.9),),
    alternatives=(Alternative("dim the lamp to twenty", 0.1, "Dim", (Slot("level", 20, "twenty", 0.9, 1.2, 0.1),)),),
    start=0.0,
    end=1.5,
)


def test_slots_are_a_read_only_mapping_of_values() -> None:
    assert RESULT.slots == {"name": "lamp", "level": 21}
    with pytest.raises(TypeError):
        RESULT.slots["level"] = 5  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        RESULT.text = ""  # type: ignore[misc]


def test_a_name_said_twice_has_its_last_value_and_both_details() -> None:
    result = dataclasses.replace(RESULT, slot_details=tuple(Slot("level", n, "", 0, 0, 1) for n in (1, 2)))
    assert result.slots == {"level": 2} and len(result.slot_details) == 2


def test_events_and_results_survive_json() -> None:
    event = json.loads(json.dumps(Command(2.0, RESULT).to_dict()))
    assert event["event"] == "Command" and event["time"] == 2.0
    result = event["result"]
    assert result["slots"] == {"name": "lamp", "level": 21} and result["alternatives"][0]["slots"] == {"level": 20}
    assert result["words"] == [{"text": "dim", "start": 0.0, "end": 0.2, "confidence": 0.9}]
    assert Timeout(5.0, "leading").to_dict() == {"event": "Timeout", "time": 5.0, "reason": "leading"}


def test_nothing_is_not_accepted() -> None:
    assert (NOTHING.text, NOTHING.confidence, NOTHING.accepted, NOTHING.intent) == ("", 0.0, False, None)
