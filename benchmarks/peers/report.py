"""What the peers heard against what was said: rows for JSON, a Markdown page and a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.jobs import Job, Piece
from speech_lstm.evaluation.commands import Meaning, meaning
from speech_lstm.evaluation.conditions import CLEAN
from speech_lstm.evaluation.measures import Observation, gathered
from speech_lstm.evaluation.suite import Suite
from speech_lstm.runtime.errors import SpeechLstmError
from speech_lstm.runtime.grammar import Grammar
from speech_lstm.runtime.lexicon.text import spoken_words

RIGHT, WRONG, OUTSIDE = "right and accepted", "wrong and accepted", "others accepted"
MISSED = "missed"
APART_SECONDS = 1.0
"""Wake words that are closer count once."""

Row = dict[str, Any]


def understood(heard: Mapping[str, Any], grammar: Grammar) -> Meaning | None:
    """What a peer took a clip for; None where it rejects it, or where the grammar does not have its words."""
    if not heard["accepted"]:
        return None
    if heard["intent"] is not None or heard["slots"]:
        return heard["intent"], frozenset(heard["slots"].items()), ""
    try:
        return meaning(grammar, spoken_words(heard["text"] or ""))
    except SpeechLstmError:
        return None


def command_rows(job: Job, heard: Sequence[Sequence[Mapping[str, Any]]], suite: Suite) -> list[Row]:
    """Shares by condition, with intervals."""
    assert job.grammar is not None
    seen = []
    for piece, (answer,) in zip(job.pieces, heard, strict=True):
        found = understood(answer, job.grammar)
        if piece.said is None:
            seen.append(Observation(job.name, OUTSIDE, piece.condition, piece.clip, found is not None))
            continue
        right = found == piece.said
        seen.append(Observation(job.name, RIGHT, piece.condition, piece.clip, right))
        seen.append(Observation(job.name, WRONG, piece.condition, piece.clip, found is not None and not right))
    return overall(seen, suite)


def overall(seen: Sequence[Observation], suite: Suite) -> list[Row]:
    """Rows of all clips together."""
    return [row for row in gathered(seen, suite) if not row["corpus"] and not row["group"]]


def wake_rows(job: Job, heard: Sequence[Sequence[Mapping[str, Any]]], usual: float, suite: Suite) -> list[Row]:
    """Of each wake word that the peer has: misses and false alarms as it comes, and the curve over its scores."""
    rows = []
    hours = sum(piece.samples for piece in job.pieces if piece.phrase is None) / 16000 / 3600
    for phrase in job.written["phrases"]:
        scores = [best_apart([found for found in part if found["phrase"] == phrase]) for part in heard]
        words = [(piece, part) for piece, part in zip(job.pieces, scores, strict=True) if piece.phrase == phrase]
        others = [
            score for piece, part in zip(job.pieces, scores, strict=True) if piece.phrase is None for score in part
        ]
        if not any(scores):
            continue
        row = overall([Observation(phrase, MISSED, p.condition, p.clip, missed(s, usual)) for p, s in words], suite)[0]
        row |= {"false alarms": round(sum(score >= usual for score in others) / hours, 2), "hours": round(hours, 5)}
        limits = sorted({score for part in scores for score in part})
        row["curve"] = [
            (round(sum(score >= limit for score in others) / hours, 2), round(share_missed(words, limit), 4))
            for limit in limits
        ]
        rows.append(row)
    return rows


def missed(scores: Sequence[float], limit: float) -> bool:
    """Whether none is high enough."""
    return not any(score >= limit for score in scores)


def share_missed(words: Sequence[tuple[Piece, Sequence[float]]], limit: float) -> float:
    """Of all wake words."""
    return sum(missed(scores, limit) for _, scores in words) / len(words)


def best_apart(found: Sequence[Mapping[str, Any]]) -> list[float]:
    """The score of each, the best one of those that are close to each other."""
    kept: list[tuple[float, float]] = []
    for one in sorted(found, key=lambda one: -one["score"]):
        if all(abs(one["second"] - second) >= APART_SECONDS for _, second in kept):
            kept.append((one["score"], one["second"]))
    return [score for score, _ in kept]


def at_most(curve: Sequence[Sequence[float]], false_alarms: float) -> float | None:
    """Least share missed with so many false alarms an hour or fewer; None where the peer has no such setting."""
    return min((missing for alarms, missing in curve if alarms <= false_alarms), default=None)


def markdown(results: Mapping[str, Any]) -> str:
    """A table for each job."""
    lines = []
    for name, job in results["jobs"].items():
        done = [(peer, found) for peer, found in job["peers"].items() if "rows" in found]
        lines += ["", f"### {name[0].upper()}{name[1:]}", ""]
        lines += _wake_table(done) if job["kind"] == "wake words" else _command_table(done)
        left = [f"{peer} ({found['left out']})" for peer, found in job["peers"].items() if "left out" in found]
        if left:
            lines += ["", f"Left out: {'; '.join(left)}."]
    return "\n".join(lines[1:]) + "\n"


def _command_table(done: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    conditions = list(
        dict.fromkeys(r["condition"] for _, found in done for r in found["rows"] if r["measure"] == RIGHT)
    )
    titles = [f"right and accepted, {condition}" for condition in conditions]
    titles += [f"{WRONG}, clean", OUTSIDE]
    yield from _head(["peer", "clips", *titles])
    for peer, found in done:
        of = {(row["measure"], row["condition"]): row for row in found["rows"]}
        cells = [_share(of.get((RIGHT, condition))) for condition in conditions]
        cells += [_share(of.get((WRONG, CLEAN.name))), _share(of.get((OUTSIDE, CLEAN.name)))]
        yield _line([peer, str(of[RIGHT, conditions[0]]["clips"]), *cells, *_cost(found)])


def _wake_table(done: Sequence[tuple[str, Mapping[str, Any]]]) -> Iterator[str]:
    yield from _head(["peer", "wake word", "as it comes: missed", "false alarms/h", "missed at 2/h", "missed at 6/h"])
    for peer, found in done:
        for row in found["rows"]:
            some = [at_most(row["curve"], alarms) for alarms in (2, 6)]
            shares = ["" if share is None else f"{share:.1%}" for share in some]
            cells = [peer, row["test"], _share(row), f"{row['false alarms']:.1f}", *shares, *_cost(found)]
            yield _line(cells)


def _head(titles: Sequence[str]) -> list[str]:
    whole = [*titles, "CPU, ms/s", "memory, MB", "files, MB"]
    names = 1 + ("wake word" in titles)
    return [_line(whole), "|---" * names + "|---:" * (len(whole) - names) + "|"]


def _cost(found: Mapping[str, Any]) -> list[str]:
    return [f"{1000 * found['cpu'] / found['seconds']:.1f}", f"{found['megabytes']:.0f}", f"{found['bytes'] / 1e6:.1f}"]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _share(row: Row | None) -> str:
    return "" if row is None else f"{row['value']:.1%} ({row['low']:.1%} to {row['high']:.1%})"


def plot(results: Mapping[str, Any], path: Path) -> None:
    """Bars of commands, curves of wake words, and what the peers cost."""
    from matplotlib.figure import Figure

    jobs = results["jobs"]
    done = {
        name: {peer: found for peer, found in job["peers"].items() if "rows" in found} for name, job in jobs.items()
    }
    peers = list(dict.fromkeys(peer for found in done.values() for peer in found))
    colour = {peer: f"C{number}" for number, peer in enumerate(peers)}
    figure = Figure(figsize=(5.5 * (len(jobs) + 1), 4.5), layout="constrained")
    *panels, costs = figure.subplots(1, len(jobs) + 1)
    for axes, (name, job) in zip(panels, jobs.items(), strict=True):
        draw = _draw_wake_words if job["kind"] == "wake words" else _draw_commands
        draw(axes, done[name], colour)
        axes.set(title=name)
    for mark, found in zip("os^vDP", done.values(), strict=False):
        for peer, one in found.items():
            costs.plot(1000 * one["cpu"] / one["seconds"], one["megabytes"], mark, color=colour[peer])
    for peer in peers:
        costs.plot([], [], "s", color=colour[peer], label=peer)
    marks = ", ".join(f"{mark} {name}" for mark, name in zip("●■▲▼◆✚", jobs, strict=False))
    costs.set(title=marks, xscale="log", yscale="log", xlabel="CPU, ms per second of audio", ylabel="memory, MB")
    costs.legend(fontsize="small")
    for axes in (*panels, costs):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def _draw_commands(axes: Any, done: Mapping[str, Any], colour: Mapping[str, str]) -> None:
    width = 0.8 / max(1, len(done))
    for number, (peer, found) in enumerate(done.items()):
        rows = [row for row in found["rows"] if row["measure"] == RIGHT]
        values = [100 * row["value"] for row in rows]
        errors = [[100 * (r["value"] - r["low"]) for r in rows], [100 * (r["high"] - r["value"]) for r in rows]]
        places = [place + width * (number - (len(done) - 1) / 2) for place in range(len(rows))]
        axes.bar(places, values, width, yerr=errors, color=colour[peer], capsize=2)
        axes.set_xticks(range(len(rows)), [row["condition"] for row in rows])
    axes.set(ylabel="right and accepted, %", ylim=(0, 100))


def _draw_wake_words(axes: Any, done: Mapping[str, Any], colour: Mapping[str, str]) -> None:
    """Dots: as the peers come."""
    for peer, found in done.items():
        for row, style in zip(found["rows"], ("-", "--", ":", "-.") * 9, strict=False):
            curve = [
                (alarms, at_most(row["curve"], alarms)) for alarms in sorted({alarms for alarms, _ in row["curve"]})
            ]
            axes.step(
                [alarms for alarms, _ in curve], [100 * (missing or 0) for _, missing in curve], style,
                color=colour[peer], label=f"{peer}, {row['test']}", where="post",
            )  # fmt: skip
            axes.plot(row["false alarms"], 100 * row["value"], "o", color=colour[peer])
    axes.set(xlabel="false alarms per hour", ylabel="missed, %", xscale="symlog", xlim=(0, 60), ylim=(0, 100))
    axes.legend(fontsize="small")
