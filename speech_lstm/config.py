"""Training configuration: one TOML file, one frozen dataclass a table, unknown keys are errors."""

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from speech_lstm.runtime.errors import SpeechLstmError

T = TypeVar("T")


class ConfigError(SpeechLstmError):
    """A training configuration that cannot be used."""


@dataclass(frozen=True)
class DataConfig:
    """Where the speech is. Paths are relative to the configuration file."""

    manifests: tuple[str, ...]
    noise_manifest: str = ""  # mixed in, and heard alone as clips without words; none without one
    packed: str = "packed"  # folder for the decoded audio, made on the first run
    alignments: str = ""  # JSON lines by `speech-lstm align`: pronunciations, and times for alignment_weight
    most_misfit: float = 3.0  # nats per phone by which a clip may fit its text worse than what the aligner would hear
    max_seconds: float = 16.0
    repeat: dict[str, float] = field(default_factory=dict)  # corpus name -> times each utterance is seen in an epoch


@dataclass(frozen=True)
class AugmentConfig:
    """Waveform augmentation; probabilities are per clip for speed, room and band, per stream for noise and level."""

    speed: tuple[float, float] = (0.88, 1.14)
    speed_probability: float = 0.6
    room_probability: float = 0.35
    rooms: int = 200
    band_probability: float = 0.3  # band limits and tilts of microphones
    level_db: float = 3.0  # deviation of the levels of clips in a stream
    noise_probability: float = 0.7
    snr_db: tuple[float, float] = (-3.0, 25.0)
    babble_part: float = 0.15  # of the noise
    made_noises: int = 200  # of ten seconds, beside the recorded ones
    gain_db: tuple[float, float] = (-30.0, 6.0)  # peak of a stream
    quiet_db: tuple[float, float] = (-55.0, -30.0)
    quiet_probability: float = 0.15
    time_masks: int = 0  # SpecAugment (Park et al. 2019), in every mask_frames
    time_mask_frames: int = 5  # of 40 ms
    mel_masks: int = 1
    mel_mask_bands: int = 8
    mask_frames: int = 100


@dataclass(frozen=True)
class ModelConfig:
    """The network."""

    cell: str = "lstm"  # a name of `speech_lstm.acoustic.cells.CELLS`
    mels: int = 64
    hidden: int = 320
    layers: int = 4
    dropout: float = 0.0


@dataclass(frozen=True)
class ObjectiveConfig:
    """What the model is trained for."""

    mmi_weight: float = 1.0  # of the denominator; 0: plain CTC
    bigram_smoothing: float = 0.5  # added to each count of the denominator's phone bigram
    carry: float = 0.7  # part of the streams that begin with what the model remembered at the end of another one
    alignment_weight: float = 0.0  # cross-entropy on forced alignments, faded out over alignment_hours
    alignment_hours: float = 30.0


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW, and Muon if wanted: warm-up, constant rates, linear decay over the last part (hours of audio seen)."""

    hours: float = 300.0  # audio seen in the whole run
    streams: int = 8  # in a batch, per process
    stream_seconds: float = 17.4  # clips that are longer are left out
    rate: float = 2e-3
    matrix_rate: float = 0.0  # of Muon for the matrices of the cells; 0: AdamW for them too
    warmup_steps: int = 200
    decay_part: float = 0.35  # of `hours`
    weight_decay: float = 0.01
    clip_norm: float = 5.0
    average: float = 0.998  # exponential moving average of the weights
    augment_ramp_hours: float = 40.0  # augmentation probabilities grow from 0 to theirs


@dataclass(frozen=True)
class RunConfig:
    """How the run goes on the machine."""

    folder: str = "runs/default"
    start: str = ""  # checkpoint, or exported fp32 model, whose weights begin a new run
    seed: int = 1
    threads: int = 1
    workers: int = 0  # loader processes per training process
    bfloat16: bool = True
    checkpoint_seconds: float = 120.0
    evaluate_seconds: float = 900.0
    evaluate_clips: int = 400


@dataclass(frozen=True)
class Config:
    """A whole configuration file."""

    data: DataConfig
    model: ModelConfig = ModelConfig()
    augment: AugmentConfig = AugmentConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    run: RunConfig = RunConfig()


def read_table(kind: type[T], values: object, where: str) -> T:
    """The dataclass that a TOML table describes; ConfigError says where an unknown key or a wrong type stands."""
    if not isinstance(values, dict):
        raise ConfigError(f"{where}: expected a table, got {values!r}")
    known = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ConfigError(f"{where}: unknown keys {', '.join(unknown)}; known are {', '.join(known)}")
    settings: dict[str, Any] = {}
    for key, value in values.items():
        expected = known[key].type
        if isinstance(value, list):
            value = tuple(value)
        if expected is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        wrong = isinstance(expected, type) and not isinstance(value, expected)
        if isinstance(expected, type) and (wrong or (expected is int and isinstance(value, bool))):
            raise ConfigError(f"{where}.{key}: expected {expected.__name__}, got {value!r}")
        settings[key] = value
    try:
        return kind(**settings)
    except TypeError as error:
        raise ConfigError(f"{where}: {error}") from error


def load_config(path: Path) -> Config:
    """Read a TOML file; ConfigError names the file and the key that is wrong."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    kinds: dict[str, type] = {
        "data": DataConfig, "model": ModelConfig, "augment": AugmentConfig, "objective": ObjectiveConfig,
        "optimizer": OptimizerConfig, "run": RunConfig,
    }  # fmt: skip
    unknown = sorted(set(tables) - set(kinds))
    if unknown:
        raise ConfigError(f"{path}: unknown tables {', '.join(unknown)}; known are {', '.join(kinds)}")
    if "data" not in tables:
        raise ConfigError(f"{path}: the table [data] is missing")
    return Config(**{name: read_table(kinds[name], values, f"{path}: [{name}]") for name, values in tables.items()})
