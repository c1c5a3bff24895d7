"""`speech-lstm wakeword` on phrases."""

from __future__ import annotations

from pathlib import Path

import pytest

from speech_lstm.cli import main


def report(capsys: pytest.CaptureFixture[str], *phrases: str) -> str:
    assert main(["wakeword", "check", *phrases]) == 0
    return capsys.readouterr().out


def test_a_good_phrase_has_no_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    lines = report(capsys, "okay computer").splitlines()
    assert lines[0].startswith("okay computer: OW K EY K AH M P Y UW T ER")
    assert not any("warning" in line for line in lines)
    [half] = [line for line in lines if line.startswith("  sensitivity 0.5:")]
    assert half.endswith("0.5 false alarms an hour of speech")


@pytest.mark.parametrize(
    ("phrase", "warning"),
    [("cat", "short: 3 phones"), ("thank you", "common:"), ("another", "sounds like other speech")],
)
def test_bad_phrases_are_warned_about(capsys: pytest.CaptureFixture[str], phrase: str, warning: str) -> None:
    assert f"warning: {warning}" in report(capsys, phrase)


def test_the_ways_of_the_lexicon_are_shown_and_the_others_counted(capsys: pytest.CaptureFixture[str]) -> None:
    shown = report(capsys, "hey jarvis").splitlines()[0]
    assert shown == "hey jarvis: HH EY JH AA R V AH S or HH EY JH AA R V IH S or 10 other ways"
    assert report(capsys, "stop").startswith("stop: S T AA P\n")


def test_more_false_alarms_than_wanted_are_admitted(capsys: pytest.CaptureFixture[str]) -> None:
    lines = report(capsys, "one").splitlines()
    assert 5 < float(lines[-5].split(",")[1].split()[0]) <= 3600


def test_guessed_words_and_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert "guessed: how to say 'zorblax'" in report(capsys, "hey zorblax")
    assert main(["wakeword", "check", "!"]) == 1
    assert "has no words" in capsys.readouterr().err


def test_a_template_is_checked_as_one_wake_word(capsys: pytest.CaptureFixture[str]) -> None:
    lines = report(capsys, "(hey|okay) jarvis").splitlines()
    assert [line.split(":")[0] for line in lines[:2]] == ["hey jarvis", "okay jarvis"]
    assert sum(line.startswith("  sensitivity") for line in lines) == 5
    assert main(["wakeword", "check", "hey {name}"]) == 1
    assert "a wake word has no lists" in capsys.readouterr().err


def test_signs_that_nothing_is_said_for_are_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert "warning: nothing is said for /" in report(capsys, "computer/jarvis")


def test_pronunciations_of_enrol_are_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = str(next((Path(__file__).parent / "data" / "words").glob("backward_*.opus")))
    assert main(["wakeword", "enrol", "backward", clip, clip]) == 0
    own = tmp_path / "voice.json"
    own.write_text(capsys.readouterr().out)
    for command in (
        ["wakeword", "check", "backward"],
        ["wakeword", "enrol", "backward", clip, clip],
        ["grammar", "check", str(Path(__file__).parent / "data" / "words.txt")],
        ["transcribe", clip, "--phrases", "backward", "left"],
        ["listen", "--wav", clip, "--phrases", "backward", "left"],
        ["benchmark", clip, "--phrases", "backward", "--repeats", "1"],
    ):
        assert main([*command, "--pronunciations", str(own)]) == 0, command
    assert main(["transcribe", clip, "--phrases", "left", "--pronunciations", str(tmp_path / "missing.json")]) == 1
    assert "missing.json: cannot read the pronunciations" in capsys.readouterr().err
    own.write_text('{"left":\n ["L XX"]}')
    for command in (["transcribe", clip], ["listen", "--wav", clip], ["serve"], ["benchmark", clip]):
        assert main([*command, "--phrases", "left", "--pronunciations", str(own)]) == 1
        assert f"{own}, line 2: pronunciation of 'left': 'XX' is not a phone" in capsys.readouterr().err


def test_listen_takes_a_sensitivity_for_each_wake_word(capsys: pytest.CaptureFixture[str]) -> None:
    data = Path(__file__).parent / "data" / "words"
    wanted = [
        "listen",
        "--phrases",
        "left",
        "--wav",
        str(next(data.glob("left_*.opus"))),
        "--wake-word",
        "okay computer",
    ]
    assert main([*wanted, "--wake-word", "stop", "--wake-sensitivity", "0.2", "--wake-sensitivity", "0.9"]) == 0
    printed = capsys.readouterr().err
    assert "speech-lstm: warning: wake word 'stop': short: 4 phones" in printed and "computer" not in printed
    for sensitivities in (["0.2", "0.3", "0.4"], ["0.2", "0.3"], ["2"]):
        with pytest.raises(SystemExit) as stopped:
            main([*wanted, *(part for value in sensitivities for part in ("--wake-sensitivity", value))])
        assert stopped.value.code == 2
