"""`speech-lstm serve`: commands over the network, for Home Assistant, programs and browsers."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from speech_lstm.cli.console import say
from speech_lstm.cli.options import (
    add_grammar_options,
    add_hearing_options,
    add_model_options,
    add_pronunciations_option,
    add_wake_options,
    check_wake_options,
    name,
    path,
    positive,
    recognizer_options,
    sensitivity,
)
from speech_lstm.runtime.content import read_text
from speech_lstm.runtime.errors import OptionError, SpeechLstmError

EXAMPLE = """example:
  speech-lstm serve --grammar home.yaml                                        # a page at http://127.0.0.1:8080/
  speech-lstm serve --grammar custom_sentences/en --wake-word "hey jarvis" --wyoming tcp://0.0.0.0:10400
  speech-lstm serve --grammar home.yaml --http 0.0.0.0:8080 --token-file token.txt"""

TOKEN = "SPEECH_LSTM_TOKEN"
DEFAULT_ADDRESS = ("127.0.0.1", 8080)


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "serve",
        help="recognise for other programs: Wyoming, HTTP, WebSocket, a page",
        description="Serve until Ctrl-C or SIGTERM; with neither --wyoming nor --http a page at http://127.0.0.1:8080/.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_grammar_options(parser)
    add_model_options(parser)
    add_pronunciations_option(parser)
    parser.add_argument("--wake-word", nargs="+", type=name, metavar="PHRASE", help="phrases that clients may wait for")
    add_wake_options(parser)
    add_hearing_options(parser, alternatives=2)
    parser.add_argument(
        "--wyoming", type=name, metavar="URI", help="tcp://HOST:PORT or unix://PATH, for Home Assistant"
    )
    parser.add_argument(
        "--name", type=name, default="speech-lstm", help="what Wyoming clients see (default: %(default)s)"
    )
    parser.add_argument("--zeroconf", action="store_true", help="announce the Wyoming server in the local network")
    parser.add_argument("--http", type=address, metavar="HOST:PORT", help="the page, WebSocket and HTTP")
    parser.add_argument(
        "--token-file",
        type=path,
        metavar="FILE",
        help=f"holds the token that HTTP clients must give; needed for others than this machine (or: ${TOKEN})",
    )
    parser.add_argument(
        "--origin",
        nargs="+",
        type=name,
        default=[],
        metavar="URL",
        help="other sites whose pages may connect, as https://a.example",
    )
    parser.add_argument(
        "--certificate", type=path, metavar="FILE", help="PEM, for https (browsers want it off this machine)"
    )
    parser.add_argument("--key", type=path, metavar="FILE", help="PEM, of the certificate")
    parser.add_argument("--clients", type=positive, default=64, metavar="N", help="at once (default: %(default)s)")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace) -> int:
    """Until a signal."""
    check_wake_options(args)
    import asyncio
    import logging

    try:
        from speech_lstm.serve.gate import Access
        from speech_lstm.serve.limits import Limits
        from speech_lstm.serve.server import ServeOptions, serve
    except ImportError as error:
        raise SpeechLstmError(f"serving needs {error.name}: pip install 'speech-lstm[serve]'") from None
    from speech_lstm.runtime.live.recognizer import Recognizer

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="speech-lstm: %(message)s")
    hearing = recognizer_options(args)
    recognizer = Recognizer(
        grammar=args.phrases or args.grammar,
        model=args.model,
        device=args.device,
        pronunciations=args.pronunciations,
        options=hearing,
    )
    if recognizer.wake_detector:
        raise OptionError(f"{args.grammar}: compile it without --wake-word, and give --wake-word to serve")
    waking = None
    if args.wake_word:
        waking = Recognizer(
            grammar=recognizer.grammar,
            wake_word=args.wake_word,
            model=recognizer.model,
            pronunciations=args.pronunciations,
            wake_sensitivity=sensitivity(args),
            options=hearing,
        )
    options = ServeOptions(
        wyoming=args.wyoming,
        http=args.http or (None if args.wyoming else DEFAULT_ADDRESS),
        name=args.name,
        zeroconf=args.zeroconf,
        access=Access(_token(args.token_file), frozenset(args.origin)),
        certificate=args.certificate,
        key=args.key,
        grammar_text=_grammar_text(args),
        limits=Limits(clients=args.clients),
    )
    asyncio.run(serve(recognizer, waking, options, lambda line: say(f"speech-lstm: {line}")))
    return 0


def address(text: str) -> tuple[str, int]:
    """argparse type: HOST:PORT, an IPv6 host in brackets."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, as 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def _token(file: Path | None) -> str | None:
    """From the file, else from the environment."""
    try:
        token = read_text(file).strip() if file else os.environ.get(TOKEN, "").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SpeechLstmError(f"--token-file {file}: {error}") from None
    if file and not token:
        raise SpeechLstmError(f"--token-file {file}: the file is empty")
    if token and not token.replace("-", "").replace("_", "").isalnum():
        raise SpeechLstmError("the token must be of letters, digits, - and _, as `openssl rand -hex 16` prints")
    return token or None


def _grammar_text(args: argparse.Namespace) -> str:
    """What the page shows to edit: phrases or a file; nothing for a folder."""
    if args.phrases:
        return "\n".join(args.phrases)
    return str(args.grammar.read_text(encoding="utf-8-sig")) if args.grammar.is_file() else ""
