"""The walls of the house: what may import what, what is loaded when, and how long things may be."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*(ROOT / "engine").rglob("*.py"), *(ROOT / "tui").rglob("*.py")])
HEAVY = ("textual", "coremltools", "onnxruntime", "onnx", "PIL", "numpy", "watchdog")


def loaded(code, *, cwd=ROOT):
    """The top-level modules that are loaded after `code`, in a fresh interpreter."""
    report = "; import sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True, cwd=cwd)
    return set(done.stdout.split("\n")[-2].split())


def test_importing_the_engine_loads_no_terminal_and_nothing_heavy():
    assert not loaded("import engine").intersection(HEAVY)


def test_the_whole_engine_loads_no_terminal():
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in SOURCES if "tui" not in path.parts]
    found = loaded("; ".join(f"import {name.removesuffix('.__init__')}" for name in names))
    assert "numpy" in found
    assert not found & {"textual", "rich"}


def test_help_loads_neither_textual_nor_coremltools_nor_onnxruntime():
    lines = (
        "import io, contextlib",
        "from tui.command_line import app",
        "with contextlib.redirect_stdout(io.StringIO()): app(['--help'], exit_on_error=False)",
        "import sys",
    )
    code = "\n".join(lines)
    assert not loaded(code) & {"textual", "coremltools", "onnxruntime", "onnx", "watchdog", "PIL"}


def test_the_app_paints_without_coremltools_and_onnxruntime():
    assert not loaded("import tui.app, tui.start") & {"coremltools", "onnxruntime", "onnx", "watchdog", "PIL"}


def test_models_are_read_without_all_of_coremltools():
    found = loaded("import engine.spec.file, sys; assert 'coremltools.models' not in sys.modules")
    assert not found & {"sympy", "cattrs"}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("PIL", {"engine/images.py"}),
        ("pillow_heif", {"engine/images.py"}),
        ("watchdog", {"engine/folder.py"}),
        ("coremltools", {"engine/spec/schema.py"}),
        ("google", set()),
        (
            "sqlite3",
            {
                "engine/database.py",
                "engine/database_problems.py",
                "engine/journal.py",
                "engine/features.py",
                "engine/catalogue.py",
            },
        ),
        ("onnxruntime", {"engine/translate/session.py"}),
        ("torch", set()),
        ("tensorflow", set()),
        ("pickle", set()),
    ],
)
def test_a_library_is_known_in_one_place(library, homes):
    users = {
        str(path.relative_to(ROOT)) for path in SOURCES if any(name.split(".")[0] == library for name in imports(path))
    }
    assert users <= homes


def test_nothing_imports_tests_or_samples():
    for path in SOURCES:
        assert not {name.split(".")[0] for name in imports(path)} & {"tests", "samples"}, path


def is_table(node):
    """A function that only holds written-out parameters, as a command does, or documents them."""
    return isinstance(node.body[0], ast.Expr) and len(node.body) <= 5 and len(node.args.kwonlyargs) > 5


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short(path):
    text = path.read_text()
    assert len(text.splitlines()) <= (120 if path.name == "app.py" else 250 if "screens" in path.parts else 300)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not is_table(node):
            assert node.end_lineno - node.lineno + 1 <= 40, node.name


def test_one_place_prints():
    for path in SOURCES:
        calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        prints = [n for n in calls if isinstance(n.func, ast.Name) and n.func.id == "print"]
        assert not prints or path.name == "output.py", path


def test_public_names_are_all_there():
    import engine

    assert sorted(engine.__all__) == sorted(engine._HOMES)
    for name in engine.__all__:
        assert getattr(engine, name) is not None
    with pytest.raises(AttributeError):
        _ = engine.nothing


def test_trainers_and_augmentations_have_the_names_that_the_app_offers():
    from engine.augment import AUGMENTS
    from engine.trainers import TRAINERS
    from tui import settings

    assert tuple(TRAINERS) == settings.TRAINERS
    assert tuple(AUGMENTS) == settings.AUGMENTS


def test_orders_have_the_names_that_the_settings_offer():
    from tui.order import ALIKE, ORDERS
    from tui.settings import ORDERS as OFFERED

    assert tuple(name for name in ORDERS if name != ALIKE) == OFFERED


def test_the_heads_kinds_can_all_be_read_from_a_file_and_translated():
    from engine.head.kinds import KINDS
    from engine.spec.split import READERS
    from engine.translate import RULES

    assert set(KINDS) == set(READERS)
    assert {kind.split(".")[0] for kind in KINDS} <= set(RULES)
