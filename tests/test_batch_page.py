"""The tutorial on files, `docs/batch.md`, runs as it is written."""

from pathlib import Path

import pytest

from .snippets import run, snippets

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "batch.md"


def test_the_page_about_files_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    monkeypatch.chdir(tmp_path)
    run(PAGE, snippets(PAGE), {"__name__": "__main__"})
