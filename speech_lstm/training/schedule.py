"""How far a training run is, and the rates and weights that follow from it."""

from dataclasses import dataclass

from speech_lstm.config import ObjectiveConfig, OptimizerConfig


@dataclass
class Progress:
    """What a run has done; saved in its checkpoint."""

    step: int = 0
    hours: float = 0.0  # audio seen by all processes
    seconds: float = 0.0  # wall time of training


def rate_factor(optimizer: OptimizerConfig, progress: Progress) -> float:
    """Warm-up in steps, then 1, then linear to a fiftieth over the last `decay_part` of the hours."""
    warm = min(1.0, (progress.step + 1) / max(1, optimizer.warmup_steps))
    left = (optimizer.hours - progress.hours) / max(1e-9, optimizer.decay_part * optimizer.hours)
    return warm * max(0.02, min(1.0, left))


def alignment_weight(objective: ObjectiveConfig, hours: float) -> float:
    """Of the labels of frames after so many hours of audio. While it is 1 nothing of a sequence is computed."""
    left = 1 - hours / objective.alignment_hours if objective.alignment_hours else 1.0
    return objective.alignment_weight * max(0.0, left)
