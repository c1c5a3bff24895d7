"""The results of a suite for people: Markdown, and the part of a model card that is made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from speech_lstm.evaluation import commands, phones, wake
from speech_lstm.runtime.content import read_text
from speech_lstm.runtime.errors import SpeechLstmError

Row = Mapping[str, Any]

BEGIN, END = "<!-- results of the suite: begin -->", "<!-- results of the suite: end -->"
"""Between them a model card has its results."""

_EXPLAINED = (
    "In brackets: 95 % intervals by bootstrap, over speakers where at least eight are known, else over clips. "
    "*Change*: from clean, on the same clips."
)


def markdown(results: Mapping[str, Any], brief: bool = False) -> str:
    """All tables. brief: of the late conditions only those with the longest streams."""
    model = results["model"]
    lines = [
        f"{model['file']} ({model['architecture']}, {model['parameters']:,} parameters, {model['bytes'] / 1e6:.1f} MB)"
        f", threshold {model['threshold']:.2f}, blank offset {model['blank_offset']:g}; suite `{results['suite']}`"
        + (f", at most {results['limit']} clips of each corpus" if results["limit"] else "")
        + f". {_EXPLAINED}",
    ]
    rows = [row for row in results["rows"] if not brief or _longest(row, results["rows"])]
    for test in dict.fromkeys(row["test"] for row in rows):
        part = [row for row in rows if row["test"] == test]
        lines += ["", f"### {test[0].upper()}{test[1:]}", "", *_test(test, part, results)]
    if "acceptance" in results:
        lines += ["", "### Acceptance", "", *_acceptance(results["acceptance"])]
    return "\n".join(lines) + "\n"


def write_card(card: Path, results: Mapping[str, Any]) -> None:
    """Put the results between the two marks of a model card. SpeechLstmError where it has no marks."""
    try:
        text = read_text(card)
    except OSError as error:
        raise SpeechLstmError(f"{card}: cannot be read: {error.strerror}") from error
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SpeechLstmError(f"{card}: expected the lines {BEGIN} and {END}, between which the results go")
    card.write_text(f"{before}{BEGIN}\n{markdown(results, brief=True)}{END}{after}", encoding="utf-8")


def _longest(row: Row, rows: Sequence[Row]) -> bool:
    """Whether no row has a longer stream before it."""
    return row["seconds"] is None or row["seconds"] == max(other["seconds"] or 0 for other in rows)


def _test(test: str, rows: Sequence[Row], results: Mapping[str, Any]) -> Iterator[str]:
    """Tables of one test: by measure, and of the main measure by corpus and by group."""
    main = rows[0]["measure"]
    overall = [row for row in rows if not row["corpus"] and not row["group"]]
    yield from _table(overall, lambda row: row["measure"], main)
    for kind in ("corpus", "group"):
        named = [row for row in rows if row["measure"] == main and row[kind]]
        if len({row[kind] for row in named}) > (kind == "corpus"):
            yield from ("", f"{main[0].upper()}{main[1:]} by {kind}:", "")
            yield from _table(named, lambda row, kind=kind: row[kind])  # type: ignore[misc]
    for phrase, found in results.get("wake words", {}).items():
        if test == wake.name_of(phrase):
            yield ""
            yield (
                f"False alarms in {found['hours']:.2f} hours of other speech; at sensitivity 0.5 there are "
                f"{found['false alarms at sensitivity 0.5']:.2f} an hour."
            )


def _table(rows: Sequence[Row], column: Callable[[Row], str], change_of: str = "") -> Iterator[str]:
    """Conditions down, columns across. change_of: the column whose change gets one as well."""
    columns = list(dict.fromkeys(map(column, rows)))
    cells = {(row["condition"], column(row)): row for row in rows}
    clips = {name: max(row["clips"] for row in rows if column(row) == name) for name in columns}
    heads = [f"{name} ({clips[name]} clips)" for name in columns] + (["*change*"] if change_of else [])
    yield f"| | {' | '.join(heads)} |"
    yield "|---" + "|---:" * len(heads) + "|"
    for condition in dict.fromkeys(row["condition"] for row in rows):
        shown = [_share(cells.get((condition, name)), "") for name in columns]
        shown += [_share(cells.get((condition, change_of)), "change")] if change_of else []
        yield f"| {condition} | {' | '.join(shown)} |"


def _share(row: Row | None, prefix: str) -> str:
    if row is None or (prefix and prefix not in row):
        return ""
    keys = ("value", "low", "high") if not prefix else (prefix, f"{prefix}_low", f"{prefix}_high")
    sign = "+" if prefix else ""
    value, low, high = (100 * row[key] for key in keys)
    return f"{value:{sign}.1f} % [{low:{sign}.1f}, {high:{sign}.1f}]"


def _acceptance(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"Held-out speakers, threshold {found['threshold']:.2f}:"
    yield ""
    yield "| heard | trials | understood | right and accepted | wrong and accepted |"
    yield "|---|---:|---:|---:|---:|"
    for row in found["kinds"]:
        cells = [f"{row[key]:.1%}" if key in row else "" for key in ("understood", "right", "wrong")]
        yield f"| {row['kind']} | {row['trials']} | {' | '.join(cells)} |"
    near = found["near misses at 90 % acceptance"]
    if near is not None:
        yield ""
        yield f"At the threshold that accepts 90 % of the right sentences, {near:.1%} of the near misses are accepted."


def headline(results: Mapping[str, Any]) -> str:
    """A line a test, for the terminal: its main measure in a few conditions."""
    lines = []
    mains = {phones.MEASURE, commands.RIGHT_ACCEPTED, commands.OUTSIDE_ACCEPTED, wake.MISSED_AS_SHIPPED}
    for row in results["rows"]:
        if row["measure"] in mains and row["condition"] == "clean" and not row["corpus"] and not row["group"]:
            lines.append(f"{row['test']}, clean: {row['measure']} {_share(row, '')}")
    return "\n".join(lines)
