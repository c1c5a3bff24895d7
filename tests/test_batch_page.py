"""The pages on files and sound, `docs/batch.md` and `docs/audio.md`, run as they are written."""

from pathlib import Path

import pytest

from .snippets import run, snippets

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("page", ["batch.md", "audio.md"])
def test_the_page_works(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    monkeypatch.chdir(tmp_path)
    path = ROOT / "docs" / page
    run(path, snippets(path), {"__name__": "__main__"})
