"""Nothing that a model, a folder or a store holds is unpickled, imported or run: no code here could do so.

One exception is named: processes of our own speak through a pipe of `multiprocessing`, which pickles. What comes through it
was sent by a child that this process started; no file is read that way.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*(ROOT / "engine").rglob("*.py"), *(ROOT / "tui").rglob("*.py")])

MODULES = {
    "pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "dbm", "yaml", "runpy", "imp",
    "code", "codeop", "torch", "tensorflow", "keras", "xmlrpc", "jsonpickle", "subprocess", "pty",
}  # fmt: skip
"""That turn bytes into objects or code by what the bytes say, or run programs."""
FUNCTIONS = {"eval", "exec", "compile", "__import__"}
METHODS = {
    "load_module", "exec_module", "run_path", "run_module", "load_extension", "enable_load_extension", "read_pickle",
    "unsafe_load", "execv", "execve", "execvp", "execvpe", "spawnl", "spawnv", "posix_spawn", "popen",
}  # fmt: skip
"""That do so, of whatever they are methods."""
PIPES = {"tui/work.py": "ForkingPickler"}
"""Where a message of our own child is unpickled; nothing else."""
PROGRAMS = {"engine/filesystem.py": "subprocess", "engine/decoders.py": "subprocess"}
"""Where a program of the system is asked what is mounted: its name is written here, and it is given nothing; and where
this very program is started once more, to read pictures."""
IMPORTS = {
    "engine/__init__.py": "_HOMES[name]",
    "engine/images.py": "f'PIL.{name}ImagePlugin'",
    "engine/spec/schema.py": "'coremltools.proto.Model_pb2'",
}
"""Where a module is imported by a name that is worked out: from a table, or a constant of ours."""


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def modules(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names)
    elif isinstance(node, ast.ImportFrom) and not node.level:
        yield node.module or ""


def called(node: ast.Call) -> str:
    """The function's name, or the method's."""
    match node.func:
        case ast.Name(name) | ast.Attribute(_, name):
            return name
    return ""


def runs(node: ast.Call) -> bool:
    """Whether a call runs what it is told."""
    if isinstance(node.func, ast.Name):
        return node.func.id in FUNCTIONS
    return called(node) in METHODS or ast.unparse(node.func) == "os.system"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_unpickled_imported_or_run(path: Path) -> None:
    where = str(path.relative_to(ROOT))
    for node in ast.walk(tree(path)):
        for module in modules(node):
            assert module.split(".")[0] not in MODULES - {PROGRAMS.get(where)}, f"{where} imports {module}"
        names = [each.name for each in node.names] if isinstance(node, ast.ImportFrom) else []
        assert "ForkingPickler" not in names or where in PIPES, f"{where} unpickles"
        if isinstance(node, ast.Call):
            assert not runs(node), f"{where}: {ast.unparse(node)}"
            assert called(node) != "import_module" or ast.unparse(node.args[0]) == IMPORTS.get(where), (
                f"{where} imports what is told"
            )


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_arrays_are_loaded_without_pickles(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and called(node) in ("load", "read_array", "open_memmap") and of_numpy(node):
            said = {each.arg: ast.unparse(each.value) for each in node.keywords}
            assert said.get("allow_pickle") == "False", f"{path.name}: {ast.unparse(node)}"


def of_numpy(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value).split(".")[0] in ("np", "numpy")


@pytest.mark.parametrize(
    "text",
    [
        "import pickle", "from marshal import loads", "import yaml", "from torch import load", "eval(x)", "exec(data)",
        "os.system(x)", "__import__(name)", "import_module(name)", "from multiprocessing.reduction import ForkingPickler",
    ],
)  # fmt: skip
def test_this_would_be_seen(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    (tmp_path / "bad.py").write_text(text)
    with pytest.raises(AssertionError):
        test_nothing_is_unpickled_imported_or_run(tmp_path / "bad.py")


@pytest.mark.parametrize("text", ["np.load(path)", "np.load(path, allow_pickle=True)", "np.lib.format.read_array(file)"])
def test_a_pickled_array_would_be_seen(text: str, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text(text)
    with pytest.raises(AssertionError):
        test_arrays_are_loaded_without_pickles(tmp_path / "bad.py")
