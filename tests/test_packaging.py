"""The promises of pyproject.toml: what is imported, what is shipped, and what gets installed where."""

import ast
import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import speech_lstm
from speech_lstm.pyinstaller import hook_folders

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDER_OF = {
    "speech_lstm": "speech_lstm",
    "speech_lstm.runtime": "runtime",
    "speech_lstm.export": "export",
    "speech_lstm.models": "models",
}


def modules_after(statement: str) -> set[str]:
    """Top-level names of what a fresh interpreter has imported after a statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def allowed() -> set[str]:
    """What numpy, onnxruntime and the standard library bring, and this package."""
    return modules_after("import numpy, onnxruntime") | set(sys.stdlib_module_names) | {"speech_lstm"}


def runtime_modules() -> list[str]:
    return sorted(
        ".".join(("speech_lstm.runtime", *path.relative_to(ROOT / "runtime").with_suffix("").parts))
        for path in (ROOT / "runtime").rglob("*.py")
        if path.name != "__init__.py"
    )


def test_every_runtime_module_imports_only_numpy_onnxruntime_and_the_standard_library(allowed: set[str]) -> None:
    assert "speech_lstm.runtime.audio.pcm" in runtime_modules()
    assert not modules_after("import " + ", ".join(runtime_modules())) - allowed


def test_public_names_come_without_torch(allowed: set[str]) -> None:
    assert not modules_after("import speech_lstm as sl\nfor name in sl.__all__: getattr(sl, name)") - allowed


def test_importing_the_package_alone_loads_nothing_heavy() -> None:
    assert not modules_after("import speech_lstm") & {"numpy", "onnxruntime", "torch", "soundfile", "hassil"}


def test_the_command_line_starts_without_heavy_imports() -> None:
    loaded = modules_after("import speech_lstm.cli; speech_lstm.cli.build_parser()")
    assert not loaded & {"numpy", "onnxruntime", "torch", "soundfile", "hassil"}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Recogniser'"):
        speech_lstm.Recogniser  # noqa: B018


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("linux", "x86_64", "onnxruntime-gpu"),
        ("win32", "AMD64", "onnxruntime-gpu"),
        ("linux", "aarch64", "onnxruntime"),
        ("linux", "armv7l", "onnxruntime"),
        ("win32", "ARM64", "onnxruntime"),
        ("darwin", "arm64", "onnxruntime"),
        ("darwin", "x86_64", "onnxruntime"),
    ],
)
def test_exactly_one_onnxruntime_is_required_on_each_platform(system: str, machine: str, expected: str) -> None:
    environment = {"sys_platform": system, "platform_machine": machine}
    wanted = [Requirement(text) for text in PROJECT["project"]["dependencies"]]
    chosen = [r.name for r in wanted if r.marker is None or r.marker.evaluate(environment)]
    assert [name for name in chosen if name.startswith("onnxruntime")] == [expected]


OPTIONAL = {"PyInstaller", "faster_whisper", "openwakeword", "pvporcupine", "pvrhino", "pymicro_wakeword"}
"""Imported where they are found: PyInstaller runs its hook itself, a benchmark has a peer."""


def test_everything_imported_is_declared() -> None:
    """Imports inside functions too; the tests' own may be of any extra."""
    extras = PROJECT["project"]["optional-dependencies"]
    declared = {
        Requirement(text).name.lower().replace("_", "-")
        for text in (*PROJECT["project"]["dependencies"], *(text for extra in extras.values() for text in extra))
    }
    missing, providers = set(), packages_distributions()
    for folder in (*FOLDER_OF.values(), "tests", "benchmarks", "examples"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                names: list[str | None] = []
                if isinstance(node, ast.Import):
                    names = [name.name for name in node.names]
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    names = [node.module]
                for name in filter(None, names):
                    top = name.split(".")[0]
                    known = {"speech_lstm", "tests", "benchmarks", *sys.stdlib_module_names, *OPTIONAL}
                    offered = {d.lower().replace("_", "-") for d in providers.get(top, [top])}
                    if top not in known and not offered & declared:
                        missing.add(f"{top} ({path.relative_to(ROOT)})")
    assert not missing


def test_torch_and_torchaudio_are_held_at_one_minor_version() -> None:
    train = {r.name: str(r.specifier) for r in map(Requirement, PROJECT["project"]["optional-dependencies"]["train"])}
    assert train["torch"] == train["torchaudio"] == "==2.11.*"


def test_every_folder_with_code_is_a_package() -> None:
    folders = {path.parent for folder in FOLDER_OF.values() for path in (ROOT / folder).rglob("*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]


@pytest.mark.parametrize(
    "arguments",
    [
        ("-m", "speech_lstm.cli", "--version"),
        ("-c", "import speech_lstm.runtime, speech_lstm.export, speech_lstm.models"),
    ],
)
def test_a_clone_runs_without_being_installed(arguments: tuple[str, ...]) -> None:
    """`-S` hides whatever is installed."""
    done = subprocess.run([sys.executable, "-S", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this working tree, built from a copy so that the tree stays clean."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, names):
        source = ROOT / name
        if not source.exists() or name.startswith("tests/"):
            continue
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).symlink_to(source.readlink() if source.is_symlink() else source)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, tree],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def test_wheel_holds_every_module_and_the_data_once(wheel: Path) -> None:
    assert wheel.name == f"speech_lstm-{speech_lstm.__version__}-py3-none-any.whl"
    listed = zipfile.ZipFile(wheel).namelist()
    names = set(listed)
    assert len(names) == len(listed)
    assert {name.split("/")[0] for name in names} == {
        "speech_lstm",
        f"speech_lstm-{speech_lstm.__version__}.dist-info",
    }
    assert "speech_lstm/py.typed" in names
    modules = set()
    for package, folder in FOLDER_OF.items():
        inside = package.replace(".", "/")
        modules |= {f"{inside}/{path.relative_to(ROOT / folder).as_posix()}" for path in (ROOT / folder).rglob("*.py")}
        shipped = [path for kind in ("*.py", "*-int8.onnx", "*.md") for path in (ROOT / folder).rglob(kind)]
        shipped += [*(ROOT / folder).glob("data/*"), *(ROOT / folder).glob("serve/page/*")]
        for path in shipped:
            if "__pycache__" not in path.parts:
                assert f"{inside}/{path.relative_to(ROOT / folder).as_posix()}" in names
    assert {name for name in names if name.endswith(".py")} == modules
    assert wheel.stat().st_size < 10e6
    licences = {name.rsplit("/", 1)[-1] for name in names if "/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE"}


def test_a_tree_that_lost_its_links_is_refused(tmp_path: Path) -> None:
    """As in a ZIP of the source; pip would make a package without a runtime of it."""
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "speech_lstm").mkdir()
    for name in ("__init__.py", "runtime"):
        (tmp_path / "speech_lstm" / name).write_text('__version__ = "0"' if name.endswith("py") else "../runtime")
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation")
    done = subprocess.run([*pip, "--wheel-dir", tmp_path, tmp_path], capture_output=True, text=True)
    assert done.returncode == 1 and "core.symlinks=true" in done.stdout + done.stderr


def test_pyinstaller_finds_its_hook_in_the_wheel(wheel: Path) -> None:
    """docs/frozen.md says what it is for; PyInstaller itself is no dependency."""
    with zipfile.ZipFile(wheel) as archive:
        listed = archive.read(f"speech_lstm-{speech_lstm.__version__}.dist-info/entry_points.txt").decode()
        assert "speech_lstm/pyinstaller/hook-speech_lstm.py" in archive.namelist()
    assert "[pyinstaller40]\nhook-dirs = speech_lstm.pyinstaller:hook_folders\n" in listed
    (folder,) = hook_folders()
    hook = (Path(folder) / "hook-speech_lstm.py").read_text()
    assert {"datas", "hiddenimports"} <= set(compile(hook, "hook", "exec").co_names)


def test_installed_wheel_imports_from_its_own_folder(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--target", site, wheel],
        check=True,
        capture_output=True,
    )
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "import speech_lstm, speech_lstm.runtime.audio.pcm, speech_lstm.export, speech_lstm.models, speech_lstm.cli\n"
        "for module in (speech_lstm, speech_lstm.runtime, speech_lstm.export, speech_lstm.models):\n"
        f"    assert module.__file__.startswith({str(site)!r}), module.__file__\n"
        "assert speech_lstm.read_audio\n"
        "speech_lstm.cli.main(['--version'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/")
    assert done.stdout.strip() == f"speech-lstm {speech_lstm.__version__}", done.stderr
