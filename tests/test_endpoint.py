"""When a command is over."""

from __future__ import annotations

import math

import pytest

from speech_lstm.runtime.decoding.decoder import Progress
from speech_lstm.runtime.live.endpoint import Endpoint, Verdict

RULE = Endpoint(confirm=4, pause=15, total=250)


def after(blanks: int = 0, complete: bool = True, since: int | None = None) -> Progress:
    """A hundred frames, so many blanks at the end; a sentence whose last phone was so many frames ago, or none."""
    since = blanks if since is None else since
    score = -3.0 if complete else -20.0
    return Progress(80, 100, blanks, score, -3.0, 5, 7, 60, 99 - since)


@pytest.mark.parametrize(
    ("progress", "can_continue", "verdict"),
    [
        (after(3), False, Verdict.GO_ON),
        (after(4), False, Verdict.DECIDE),
        (after(4), True, Verdict.GO_ON),
        (after(14), True, Verdict.GO_ON),
        (after(15), True, Verdict.DECIDE),
        (after(14, complete=False), False, Verdict.GO_ON),
        (after(15, complete=False), False, Verdict.DECIDE),
        (after(0, since=4), False, Verdict.TRY),  # somebody speaks on
        (after(0, since=14), True, Verdict.GO_ON),
        (after(2, since=15), True, Verdict.TRY),
    ],
)
def test_silence_ends_a_command_and_other_speech_is_worth_a_try(
    progress: Progress, can_continue: bool, verdict: Verdict
) -> None:
    assert RULE.verdict(progress, can_continue, math.inf) is verdict


def test_what_was_found_wanting_is_not_tried_again_at_once() -> None:
    speaking = after(0, since=9)
    assert [RULE.verdict(speaking, False, untried) for untried in (3, 4)] == [Verdict.GO_ON, Verdict.TRY]


@pytest.mark.parametrize(
    ("progress", "can_continue", "is_near"),
    [
        (after(1), False, False),
        (after(2), False, True),
        (after(0, since=2), False, True),
        (after(12), True, False),
        (after(13), True, True),
        (after(13, complete=False), True, True),
    ],
)
def test_the_end_is_near_when_two_frames_may_bring_it(progress: Progress, can_continue: bool, is_near: bool) -> None:
    assert RULE.is_near(progress, can_continue, 2) is is_near


def test_no_command_is_endless() -> None:
    assert not RULE.is_too_long(249) and RULE.is_too_long(250)
