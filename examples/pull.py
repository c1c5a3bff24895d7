"""Pull: a loop over what the microphone hears, with a function for each intent.

python examples/pull.py
"""

import speech_lstm as sl

GRAMMAR = sl.Grammar.from_phrases(
    ["Move: [go] {direction}", "Stop: stop"], lists={"direction": ["backward", "forward", "left", "right"]}
)


def main(microphone: str | sl.Microphone | None = None, commands: int | None = None) -> list[str]:
    """Handle that many commands, or all until Ctrl-C."""
    recognizer = sl.Recognizer(grammar=GRAMMAR)
    assistant = sl.Assistant(recognizer)

    @assistant.on("Move")
    def move(direction: str) -> str:
        return f"moving {direction}"

    @assistant.on("Stop")
    def stop() -> str:
        return "stopping"

    answers: list[str] = []
    for event in recognizer.listen(microphone):
        if isinstance(event, sl.Command):
            answers.append(assistant.handle(event))
            print(answers[-1])
        if len(answers) == commands:
            break
    return answers


if __name__ == "__main__":
    main()
