"""asyncio: commands from the microphone in an event loop that does other work as well.

python examples/asyncio_app.py
"""

import asyncio

import speech_lstm as sl


async def main(microphone: str | sl.Microphone | None = None, commands: int | None = None) -> list[str]:
    """Print what is heard, and once a second a dot; end after that many commands, or on Ctrl-C."""
    recognizer = sl.Recognizer(grammar=["forward", "backward", "left", "right", "stop"])

    async def dots() -> None:
        while True:
            print(".", end="", flush=True)
            await asyncio.sleep(1)

    heard: list[str] = []
    other_work = asyncio.create_task(dots())
    async for event in recognizer.listen_async(microphone):
        if isinstance(event, sl.Command):
            heard.append(event.result.text)
            print(event.result.text)
        if len(heard) == commands:
            break
    other_work.cancel()
    return heard


if __name__ == "__main__":
    asyncio.run(main())
