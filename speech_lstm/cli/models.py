"""`speech-lstm models`: the shipped models and what they reach."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

EXAMPLE = """example:
  speech-lstm models --json"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "models",
        help="list the shipped models",
        description="List the models that come with the package: size, architecture, parameters, measured accuracy.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON array with all of the metadata")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """A table, or JSON with every field of the metadata."""
    rows = shipped_models()
    if args.json:
        print(json.dumps(rows, default=str))
        return 0
    for row in rows:
        print(
            f"{row['name']}: {row['architecture']}, {row['parameters'] / 1e6:.2f} M parameters, "
            f"{row['megabytes']:.2f} MB, {row['language']}"
        )
        for measure, value in row["accuracy"].items():
            print(f"    {measure}: {value}")
    return 0


def shipped_models() -> list[dict[str, Any]]:
    """Name, file, megabytes and metadata of each model in the package, by name; ModelError for a damaged one."""
    import speech_lstm.models
    from speech_lstm.runtime.model.model import Model

    folder = Path(speech_lstm.models.__file__).parent
    return [
        {
            "name": path.stem,
            "file": str(path),
            "megabytes": path.stat().st_size / 1e6,
            **asdict(Model.load(path, device="cpu").metadata),
        }
        for path in sorted(folder.glob("*.onnx"))
    ]
