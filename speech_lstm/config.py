"""Training configuration: one TOML file, one frozen dataclass a table, checked whole (types, ranges, unknown keys)."""

import json
import tomllib
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from speech_lstm.runtime.content import read_text
from speech_lstm.runtime.errors import SpeechLstmError

T = TypeVar("T")

STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
"""Of every table: no unknown keys, no text that looks like a number."""

BANDS = 8
"""Mels that a filter of the convolution sees."""

MOST = 10**6
"""Of anything; more is a slip of the pen."""


class ConfigError(SpeechLstmError):
    """A training configuration that cannot be used."""


def _ascending(values: tuple[float, float]) -> tuple[float, float]:
    if values[0] > values[1]:
        raise ValueError(f"{values[0]:g} is above {values[1]:g}; give the lower one first")
    return values


Name = Annotated[str, Field(min_length=1, pattern=r"^[^\x00]*$")]
OptionalName = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Count = Annotated[int, Field(ge=0, le=MOST)]
Sounds = Annotated[int, Field(ge=0, le=10_000)]
Positive = Annotated[int, Field(ge=1, le=MOST)]
Amount = Annotated[float, Field(ge=0, le=MOST)]
Above = Annotated[float, Field(gt=0, le=MOST)]
Part = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0, le=1)]
Decibels = Annotated[float, Field(ge=-120, le=120)]
DecibelRange = Annotated[tuple[Decibels, Decibels], AfterValidator(_ascending)]
Speed = Annotated[float, Field(ge=0.25, le=4)]


@dataclass(frozen=True, config=STRICT)
class DataConfig:
    """Where the speech is. Paths are relative to the configuration file."""

    manifests: Annotated[tuple[Name, ...], Field(min_length=1)]
    noise_manifest: OptionalName = ""  # mixed in, and heard alone as clips without words; none without one
    packed: Name = "packed"  # folder for the decoded audio, made on the first run
    alignments: OptionalName = ""  # JSON lines by `speech-lstm align`: pronunciations, and times for alignment_weight
    words: OptionalName = ""  # file of words, one a line: the model hears these and no phones; "": phones
    most_misfit: Amount = 3.0  # nats per phone by which a clip may fit its text worse than what the aligner would hear
    max_seconds: Above = 16.0
    repeat: dict[str, Annotated[float, Field(ge=0, le=1000)]] = field(default_factory=dict)
    """Corpus name -> times each utterance is seen in an epoch."""


@dataclass(frozen=True, config=STRICT)
class AugmentConfig:
    """Augmentation; probabilities are per stream for noise and level, per clip for all others."""

    shuffle_probability: Part = 0.0  # of a clip whose words' times are known to have them in another order
    speed: Annotated[tuple[Speed, Speed], AfterValidator(_ascending)] = (0.88, 1.14)
    speed_probability: Part = 0.6
    warp: Annotated[tuple[Speed, Speed], AfterValidator(_ascending)] = (0.88, 1.14)  # of frequencies: other throats
    warp_probability: Part = 0.0  # of a clip with all that sounds in it
    warp_bend: Annotated[float, Field(ge=0, le=10)] = 0.0  # deviation, in bands, of smooth shifts of a warped clip
    room_probability: Part = 0.35
    rooms: Sounds = 200
    band_probability: Part = 0.3  # band limits and tilts of microphones
    curve_probability: Part = 0.0  # of a clip with all that sounds in it: a smooth curve of gains over the mels
    curve_db: Annotated[float, Field(ge=0, le=60)] = 6.0  # deviation of its gains
    level_db: Annotated[float, Field(ge=0, le=60)] = 3.0  # deviation of the levels of clips in a stream
    noise_probability: Part = 0.7
    snr_db: DecibelRange = (-3.0, 25.0)
    babble_part: Part = 0.15  # of the noise
    made_noises: Sounds = 200  # of ten seconds, beside the recorded ones
    gain_db: DecibelRange = (-30.0, 6.0)  # peak of a stream
    quiet_db: DecibelRange = (-55.0, -30.0)
    quiet_probability: Part = 0.15
    time_masks: Annotated[int, Field(ge=0, le=100)] = 0  # SpecAugment (Park et al. 2019), in every mask_frames
    time_mask_frames: Count = 5  # of 40 ms
    mel_masks: Annotated[int, Field(ge=0, le=100)] = 1
    mel_mask_bands: Count = 8
    mask_frames: Positive = 100

    def __post_init__(self) -> None:
        if self.time_mask_frames > self.mask_frames:
            raise ValueError(f"time_mask_frames {self.time_mask_frames} is above mask_frames {self.mask_frames}")


@dataclass(frozen=True, config=STRICT)
class ModelConfig:
    """The network."""

    cell: Name = "lstm"  # a name of `speech_lstm.acoustic.cells.CELLS`
    mels: Annotated[int, Field(ge=1, le=128)] = 64  # of more, some would lie between the bins of the DFT
    hidden: Annotated[int, Field(ge=1, le=4096)] = 320
    layers: Annotated[int, Field(ge=1, le=32)] = 4
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0  # of what each cell adds, in training
    convolution: Annotated[int, Field(ge=0, le=256)] = 0  # filters over time and mels before the first cell
    feed_forward: Annotated[int, Field(ge=0, le=16)] = 0  # layer behind each cell, so many times as wide inside
    lookahead_frames: Annotated[int, Field(ge=0, le=50)] = 0  # frames of the future that are heard before each output
    frame_ms: Literal[30, 40] = 40  # of an output frame: three or four features of 10 ms

    def __post_init__(self) -> None:
        if self.convolution and self.mels < BANDS:
            raise ValueError(f"convolution needs at least {BANDS} mels, and mels is {self.mels}")


@dataclass(frozen=True, config=STRICT)
class ObjectiveConfig:
    """What the model is trained for."""

    mmi_weight: Amount = 1.0  # of the denominator; 0: plain CTC
    bigram_smoothing: Above = 0.5  # added to each count of the denominator's phone bigram
    carry: Part = 0.7  # part of the streams that begin with what the model remembered at the end of another one
    rest: Part = 0.0  # part of the streams that begin after minutes of quiet, within 1 - carry
    alignment_weight: Part = 0.0  # cross-entropy on forced alignments, faded out over alignment_hours
    alignment_hours: Amount = 30.0  # 0: they stay to the end
    consistency_weight: Amount = 0.0  # of how much two hearings of a stream differ; above 0 each is heard twice
    intermediate_weight: Annotated[float, Field(ge=0, lt=1)] = 0.0  # of CTC over phones within the network
    intermediate_layer: Annotated[int, Field(ge=1, le=32)] = 1  # behind which layer

    def __post_init__(self) -> None:
        if self.carry + self.rest > 1:
            raise ValueError(f"carry {self.carry:g} and rest {self.rest:g} are more than 1 together")


@dataclass(frozen=True, config=STRICT)
class OptimizerConfig:
    """AdamW, and Muon if wanted: warm-up, constant rates, linear decay over the last part (hours of audio seen)."""

    hours: Above = 300.0  # audio seen in the whole run
    streams: Annotated[int, Field(ge=1, le=10_000)] = 8  # in a batch, per process
    stream_seconds: Annotated[float, Field(gt=0, le=3600)] = 17.4  # clips that are longer are left out
    rate: Rate = 2e-3
    matrix_rate: Part = 0.0  # of Muon for the matrices of the cells; 0: AdamW for them too
    warmup_steps: Count = 200
    decay_part: Part = 0.35  # of `hours`
    weight_decay: Part = 0.01
    clip_norm: Above = 5.0
    average: Annotated[float, Field(ge=0, lt=1)] = 0.998  # exponential moving average of the weights
    augment_ramp_hours: Amount = 40.0  # augmentation probabilities grow from 0 to theirs

    def __post_init__(self) -> None:
        if self.streams * self.stream_seconds > 36_000:
            raise ValueError("streams x stream_seconds is above 36000, more than a memory holds")


@dataclass(frozen=True, config=STRICT)
class RunConfig:
    """How the run goes on the machine."""

    folder: Name = "runs/default"
    start: OptionalName = ""  # checkpoint, or exported fp32 model, whose weights begin a new run
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    workers: Annotated[int, Field(ge=0, le=1024)] = 0  # loader processes per training process
    echo: Positive = 1  # times that each batch is used, with other throats, microphones and masks; its hours count anew
    bfloat16: bool = True
    checkpoint_seconds: Amount = 120.0
    evaluate_seconds: Amount = 900.0
    evaluate_clips: Positive = 400


@dataclass(frozen=True, config=STRICT)
class Config:
    """A whole configuration file."""

    data: DataConfig
    model: ModelConfig = ModelConfig()
    augment: AugmentConfig = AugmentConfig()
    objective: ObjectiveConfig = ObjectiveConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    run: RunConfig = RunConfig()

    def __post_init__(self) -> None:
        if self.augment.mel_mask_bands > self.model.mels:
            bands, mels = self.augment.mel_mask_bands, self.model.mels
            raise ValueError(f"augment.mel_mask_bands {bands} is above model.mels {mels}")
        if self.objective.alignment_weight > 0 and not self.data.alignments:
            raise ValueError("objective.alignment_weight needs data.alignments")
        if self.augment.shuffle_probability > 0 and (self.data.words or not self.data.alignments):
            raise ValueError("augment.shuffle_probability needs data.alignments, and a model of phones")
        if self.objective.intermediate_weight > 0 and self.objective.intermediate_layer > self.model.layers:
            layer, layers = self.objective.intermediate_layer, self.model.layers
            raise ValueError(f"objective.intermediate_layer {layer} is above model.layers {layers}")


def read_toml(path: Path) -> dict[str, Any]:
    """The values of a TOML file; ConfigError names the file."""
    try:
        return tomllib.loads(read_text(path))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error


def check(kind: type[T], values: dict[str, Any], path: Path) -> T:
    """The dataclass that the values of a file describe; ConfigError names file and key of everything that is wrong."""
    try:  # as JSON, in which lists are as good as tuples and tables as good as dataclasses
        return TypeAdapter(kind).validate_json(json.dumps(values, default=str))
    except ValidationError as error:
        raise ConfigError(f"{path}: {'; '.join(map(_told, error.errors()))}") from None


def _told(error: Any) -> str:
    """One of pydantic's errors: `table.key: what is wrong, got what`."""
    key = ".".join(map(str, error["loc"]))
    if error["type"] == "unexpected_keyword_argument":
        return f"{key}: unknown key"
    if error["type"] in ("missing", "missing_argument"):
        return f"{key}: missing"
    if error["type"] == "value_error":  # raised here or in another dataclass' own check
        return f"{key}: {error['ctx']['error']}" if key else str(error["ctx"]["error"])
    got = repr(error["input"])
    return f"{key}: {error['msg'].removeprefix('Input ')}, got {got if len(got) <= 60 else got[:57] + '...'}"


def load_config(path: Path) -> Config:
    """Read a TOML file; ConfigError names the file and the keys that are wrong."""
    return check(Config, read_toml(path), path)
