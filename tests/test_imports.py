"""Imports run one way, ``benchmarks → export → train → edgetext``, without cycles.

The test reads the source: imports inside functions and imports for type checkers count like all others.
"""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Each stage may import itself and those after it. The runtime's examples are separate programs, not modules.
STAGES = ["benchmarks", "export", "train", "edgetext"]
IMPORT_ROOTS = {"edgetext": ROOT / "runtime"}
MOST_MODULES = 16


def find_modules(stage: str, root: Path = ROOT) -> dict[str, Path]:
    """Return the path of each module of a stage by its dotted name."""
    base = root / IMPORT_ROOTS.get(stage, ROOT).relative_to(ROOT)
    modules = {}
    for path in sorted((base / stage).rglob("*.py")):
        parts = path.relative_to(base).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return modules


def imported_by(name: str, path: Path, modules: dict[str, Path]) -> set[str]:
    """Return the modules that a module's source imports, of those given."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: line {node.lineno}: imports are absolute"
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                found.add(submodule if submodule in modules else str(node.module))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in modules:
            # Modules that are imported by name, from a table; a package's own name may also be a word.
            found.update({node.value} if "." in node.value else ())
    return (found & modules.keys()) - {name}


def find_upward(imports: dict[str, set[str]]) -> list[str]:
    """Return the imports that run against the order of the stages."""
    rank = {stage: place for place, stage in enumerate(STAGES)}
    return [
        f"{name} imports {other}"
        for name, others in sorted(imports.items())
        for other in sorted(others)
        if rank[other.partition(".")[0]] < rank[name.partition(".")[0]]
    ]


def find_cycle(imports: dict[str, set[str]]) -> list[str]:
    """Return the modules of a cycle of imports; none if there is no cycle."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        return cycle
    return []


def read_imports(root: Path = ROOT) -> dict[str, set[str]]:
    modules = {name: path for stage in STAGES for name, path in find_modules(stage, root).items()}
    return {name: imported_by(name, path, modules) for name, path in modules.items()}


def test_imports_run_one_way() -> None:
    assert find_upward(read_imports()) == []


@pytest.mark.parametrize("stage", STAGES)
def test_no_cycles(stage: str) -> None:
    imports = {name: others for name, others in read_imports().items() if name.partition(".")[0] == stage}
    assert find_cycle(imports) == []


def write_modules(root: Path, sources: dict[str, str]) -> dict[str, set[str]]:
    for name, source in sources.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return read_imports(root)


def test_an_upward_import_is_found(tmp_path: Path) -> None:
    lazy = "def load():\n    from train.run import load_run\n"
    imports = write_modules(tmp_path, {"runtime/edgetext/text.py": lazy, "train/run.py": "import edgetext.text\n"})
    assert find_upward(imports) == ["edgetext.text imports train.run"]


@pytest.mark.parametrize(
    "source",
    ["import export.two\n", "if TYPE_CHECKING:\n    from export import two\n", 'TABLE = {"x": "export.two"}\n'],
)
def test_a_cycle_is_found(tmp_path: Path, source: str) -> None:
    imports = write_modules(tmp_path, {"export/one.py": source, "export/two.py": "from export.one import x\n"})
    assert set(find_cycle(imports)) == {"export.one", "export.two"}


def test_folders_stay_small() -> None:
    folders = {path.parent for stage in STAGES for path in find_modules(stage).values()}
    assert [folder.name for folder in folders if len(list(folder.glob("*.py"))) > MOST_MODULES] == []
