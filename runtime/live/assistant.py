"""Functions of an app that answer commands, checked against the grammar when they are registered."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from speech_lstm.runtime.errors import GrammarError, OptionError
from speech_lstm.runtime.grammar.wordgraph import WordGraph
from speech_lstm.runtime.live.recognizer import Recognizer
from speech_lstm.runtime.results import Command, Event

if TYPE_CHECKING:
    from speech_lstm.runtime.audio.microphone import Microphone
    from speech_lstm.runtime.live.stream import Stream

Handler = TypeVar("Handler", bound=Callable[..., Any])
ErrorHandler = TypeVar("ErrorHandler", bound=Callable[[Exception, Command], Any])

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True)
class IntentSlots:
    """The slots in sentences of an intent."""

    possible: frozenset[str]
    certain: frozenset[str]
    """Those in every sentence."""


class Assistant:
    """Calls the function that is registered for the intent of a command.

    >>> assistant = Assistant(recognizer)                      # doctest: +SKIP
    >>> @assistant.on("TurnOn")                                # doctest: +SKIP
    ... def turn_on(name, area=None): ...
    >>> assistant.run()                                        # doctest: +SKIP

    With functions that are `async def` it is `handle_async` and `run_async`, which await them.
    """

    def __init__(self, recognizer: Recognizer) -> None:
        """OptionError for anything else than a recognizer."""
        if not isinstance(recognizer, Recognizer):
            raise OptionError(f"an Assistant needs a Recognizer, not {recognizer!r}")
        self._recognizer = recognizer
        self._intents = slots_of_intents(recognizer.grammar.graph)
        self._handlers: dict[str, Callable[..., Any]] = {}
        self._on_error: Callable[[Exception, Command], Any] | None = None

    @property
    def unhandled(self) -> frozenset[str]:
        """Intents of the grammar for which there is no function yet."""
        return frozenset(self._intents) - frozenset(self._handlers)

    def on(self, intent: str) -> Callable[[Handler], Handler]:
        """Decorator: call the function for commands of this intent, with the slots as keyword arguments.

        A parameter `event` gets the whole `Command`. Raises GrammarError where the grammar lacks the intent or a slot
        that the function needs, or may give a slot that the function does not take.
        """
        if not isinstance(intent, str) or intent not in self._intents:
            known = ", ".join(sorted(self._intents)) or "none"
            raise GrammarError(f"the grammar has no intent {intent!r}; it has: {known}")
        if intent in self._handlers:
            raise GrammarError(f"intent {intent!r} has a function already: {_name(self._handlers[intent])}")

        def register(function: Handler) -> Handler:
            _check(function, intent, self._intents[intent])
            self._handlers[intent] = function
            return function

        return register

    def on_error(self, function: ErrorHandler) -> ErrorHandler:
        """Decorator: call the function with the exception and the `Command` when the function of an intent raises.

        Without one the exception goes on to the caller of `handle` or `run`.
        """
        self._on_error = function
        return function

    def _function(self, event: Event) -> Callable[..., Any] | None:
        """Of the intent of a command, where there is one. OptionError for what is no event."""
        if not isinstance(event, Event):
            raise OptionError(f"got {event!r:.80}; expected one event, as in: for event in stream.accept(samples)")
        return self._handlers.get(event.result.intent or "") if isinstance(event, Command) else None

    def handle(self, event: Event) -> Any:
        """Call the function for an event and return what it returns; None where there is no such function.

        OptionError for what is no event, and where the function is an `async def`: it would be called and never done.
        """
        if (function := self._function(event)) is None or not isinstance(event, Command):
            return None
        try:
            answer = function(**_arguments(function, event))
        except Exception as error:
            if self._on_error is None:
                raise
            _finished(self._on_error, self._on_error(error, event))
            return None
        return _finished(function, answer)

    async def handle_async(self, event: Event) -> Any:
        """The same, awaiting what is to be awaited; plain functions are called as they are."""
        if (function := self._function(event)) is None or not isinstance(event, Command):
            return None
        try:
            return await _awaited(function(**_arguments(function, event)))
        except Exception as error:
            if self._on_error is None:
                raise
            await _awaited(self._on_error(error, event))
        return None

    def run(self, microphone: int | str | Microphone | None = None, stream: Stream | None = None) -> None:
        """Hear a microphone and handle what is said, until it is closed or a function raises.

        microphone, stream: see `Recognizer.listen`. OptionError where a function is an `async def`.
        """
        for function in filter(inspect.iscoroutinefunction, self._handlers.values()):
            raise _is_async(function)
        for event in self._recognizer.listen(microphone, stream):
            self.handle(event)

    async def run_async(self, microphone: int | str | Microphone | None = None, stream: Stream | None = None) -> None:
        """The same in an event loop. While a function is awaited nothing more is heard, but 5 s of audio are kept."""
        async for event in self._recognizer.listen_async(microphone, stream):
            await self.handle_async(event)


def _finished(function: Callable[..., Any], answer: Any) -> Any:
    """The answer; OptionError where it is one that has to be awaited."""
    if inspect.iscoroutine(answer):
        answer.close()
        raise _is_async(function)
    return answer


def _arguments(function: Callable[..., Any], event: Command) -> dict[str, Any]:
    wants_event = "event" in inspect.signature(function).parameters
    return {**event.result.slots, **({"event": event} if wants_event else {})}


def _is_async(function: Callable[..., Any]) -> OptionError:
    return OptionError(
        f"{_name(function)}() is an async def, which must be awaited: `await assistant.run_async()`, or "
        "`await assistant.handle_async(event)`"
    )


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _name(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__qualname__", repr(function)))


def slots_of_intents(graph: WordGraph) -> dict[str, IntentSlots]:
    """What each intent of a word graph may and must bring."""
    order = _topological(graph)
    intents = dict.fromkeys(arc.intent for arc in graph.arcs if arc.intent is not None)
    return {intent: _slots(graph, order, intent) for intent in intents}


def _slots(graph: WordGraph, order: list[int], intent: str) -> IntentSlots:
    """The union and the intersection of the slots on all paths with that intent."""
    nothing = (frozenset[str](), frozenset[str]())
    found: dict[tuple[int, bool], tuple[frozenset[str], frozenset[str]]] = {(graph.start, False): nothing}
    for node in order:
        for seen in (False, True):
            if (node, seen) not in found:
                continue
            some, every = found[node, seen]
            for arc in graph.leaving[node]:
                if arc.intent not in (None, intent):
                    continue
                slot = frozenset((arc.slot,)) if arc.slot is not None else frozenset[str]()
                target = (arc.target, seen or arc.intent == intent)
                before = found.get(target, (frozenset[str](), every | slot))
                found[target] = (before[0] | some | slot, before[1] & (every | slot))
    ends = [found[node, True] for node in graph.finals if (node, True) in found]
    if not ends:
        return IntentSlots(*nothing)
    return IntentSlots(frozenset.union(*(end[0] for end in ends)), frozenset.intersection(*(end[1] for end in ends)))


def _topological(graph: WordGraph) -> list[int]:
    """The nodes that can be reached, each after all before it."""
    entering = [0] * graph.num_nodes
    for arc in graph.arcs:
        entering[arc.target] += 1
    ready = [node for node in range(graph.num_nodes) if not entering[node]]
    order = []
    while ready:
        node = ready.pop()
        order.append(node)
        for arc in graph.leaving[node]:
            entering[arc.target] -= 1
            if not entering[arc.target]:
                ready.append(arc.target)
    return order


def _check(function: Callable[..., Any], intent: str, slots: IntentSlots) -> None:
    """GrammarError where the parameters of a function do not fit the slots."""
    if not callable(function):
        raise GrammarError(f"intent {intent!r} needs a function, not {function!r}")
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # of some functions in C
        raise GrammarError(f"intent {intent!r}: {function!r} does not tell its parameters; use a def") from None
    named = {item.name: item for item in parameters if item.kind in _NAMED and item.name != "event"}
    takes_all = any(item.kind is inspect.Parameter.VAR_KEYWORD for item in parameters)
    problems = [
        f"takes {item.name!r} by position only" for item in parameters if item.kind is inspect.Parameter.POSITIONAL_ONLY
    ]
    for item in named.values():
        if item.name not in slots.possible:
            known = ", ".join(sorted(slots.possible)) or "none"
            problems.append(f"takes {item.name!r}, which is no slot of it (slots: {known})")
        elif item.default is item.empty and item.name not in slots.certain:
            problems.append(f"needs {item.name!r}, which some sentences leave out: give it a default")
    if not takes_all:
        problems += [f"does not take the slot {slot!r}" for slot in sorted(slots.possible - named.keys())]
    if problems:
        raise GrammarError(f"{_name(function)}() for intent {intent!r}: {'; '.join(problems)}")
