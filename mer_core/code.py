"""What code something depends on: the files that it imports, directly or through each other, and one hash of them.

The hash forgets what can't change a result: docstrings, comments, and how lines are set. So a run knows whether today's
code computed it, and a chapter whether it must be executed again. A package's `__init__.py` is a table of contents: of
`from package import name` the file counts that `name` is from, not all that stand beside it. A registry, such as
`methods/registry.py`, is another one, by names: of it the files count that somebody names.
"""

import ast
import hashlib
import re
import subprocess
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).parent
HOMES = {PACKAGE.name: PACKAGE.parent}  # packages whose files count, by name: the folder that each lies in


class Import(NamedTuple):
    """`from ..module import name as bound`; `import module` has no name."""

    level: int  # the dots
    module: str
    name: str | None
    bound: str


class Source(NamedTuple):
    """What is known of a Python text."""

    imports: tuple[Import, ...]
    texts: frozenset[str]  # all that it holds
    registry: Mapping[str, str]  # its tables of `"name": "package.module:Class"`
    whole: frozenset[str]  # what it uses otherwise than by a key: not as `METHODS["mol"]`
    sha256: str  # of what it does


def closure(
    start: Iterable[Path],
    homes: Mapping[str, Path],
    without: Collection[Path] = (),
    texts: Collection[bytes] = (),
) -> set[Path]:
    """These files of `homes`, and those that they import or name, directly or through each other; none of `without`.

    `texts` are Python that lies in no file: cells of a notebook.
    """
    found: set[Path] = set()
    todo = {*start, *(file for text in texts for file in imported(text, homes))}
    while todo:
        found |= todo
        todo = {file for path in todo for file in imported(path.read_bytes(), homes, path.parent)}
        todo = todo - found - {*without} or _named(found, homes, texts) - found - {*without}
    return found


def _named(files: Iterable[Path], homes: Mapping[str, Path], texts: Iterable[bytes]) -> set[Path]:
    """Where the classes are that these files and texts name as a registry among them does: `"mol"`; or by their place.

    Who goes through a whole registry, as in `for name in METHODS`, names all that it holds.
    """
    sources = {path: read(path.read_bytes()) for path in files}
    tables = {path: source.registry for path, source in sources.items() if source.registry}
    places = {name: place for table in tables.values() for name, place in table.items()}
    named: set[str] = set()
    for here, source in [*sources.items(), *((None, read(text)) for text in texts)]:
        named |= _places(source, places) if here not in tables else set()
        constants = [one for one in source.imports if one.bound in source.whole and one.bound.isupper()]
        origins = {path for one in constants for path in _origins(one, homes, here and here.parent)}
        named |= {place for path in origins & tables.keys() for place in tables[path].values()}
    classes = [Import(0, module, name, name) for module, _, name in (place.partition(":") for place in named)]
    return {path for one in classes for path in _origins(one, homes, None)}


PLACE = re.compile(r"\w+(\.\w+)*:[A-Za-z_]\w*")  # `package.module:Class`


def _places(source: Source, places: Mapping[str, str]) -> set[str]:
    """Of the classes that a text names: by words, `"mol fdp"`, or by their place."""
    words = [text.split() for text in source.texts]
    named = {places[word] for text in words if {*text} <= places.keys() for word in text}
    return named | {text for text in source.texts if PLACE.fullmatch(text)}


def imported(text: bytes, homes: Mapping[str, Path], here: Path | None = None) -> Iterator[Path]:
    """The files of `homes` that a Python text imports; `here` is its own folder, for relative imports."""
    for one in read(text).imports:
        yield from _origins(one, homes, here)


def _origins(asked: Import, homes: Mapping[str, Path], here: Path | None) -> Iterator[Path]:
    parts = asked.module.split(".") if asked.module else []
    if asked.level == 0 and parts[0] in homes:
        yield from _defining(homes[parts[0]].joinpath(*parts), asked.name, homes)
    elif asked.level and here:
        yield from _defining((here, *here.parents)[asked.level - 1].joinpath(*parts), asked.name, homes)


def _defining(place: Path, name: str | None, homes: Mapping[str, Path]) -> Iterator[Path]:
    """Where a name of a module is from: a sub-module, or what its table of contents says, or the module itself."""
    if name and (part := _file(place / name)):
        yield part
    elif file := _file(place):
        is_table = name and file == place / "__init__.py"
        entries = [one for one in read(file.read_bytes()).imports if is_table and one.bound == name]
        found = {path for one in entries for path in _origins(one, homes, place)}
        yield from found or {file}


def _file(place: Path) -> Path | None:
    files = place / "__init__.py", place.with_name(f"{place.name}.py")
    return next((file for file in files if file.is_file()), None)


@lru_cache(maxsize=1000)
def read(text: bytes) -> Source:
    """What a Python text imports and holds, and a hash of what it does."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        for part in ("body", "orelse", "finalbody"):
            if isinstance(lines := getattr(node, part, None), list):
                setattr(node, part, [line for line in lines if not _is_silent(line)])
    nodes = list(ast.walk(tree))
    texts = {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    texts |= {"__file__"} & {n.id for n in nodes if isinstance(n, ast.Name)}
    imports = tuple(one for node in nodes for one in _imports(node))
    digest = hashlib.sha256(ast.unparse(tree).encode()).hexdigest()
    return Source(imports, frozenset(texts), _registry(nodes), frozenset(_whole(nodes)), digest)


def _registry(nodes: list[ast.AST]) -> dict[str, str]:
    entries: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Dict) and all(
            isinstance(part, ast.Constant) for part in (*node.keys, *node.values)
        ):
            entries |= ast.literal_eval(node)
    return {name: place for name, place in entries.items() if PLACE.fullmatch(str(place))}


def _whole(nodes: list[ast.AST]) -> Counter[str]:
    """Names, without those that are asked for a key: `NAME[key]`, `NAME.get(key)`, `key in NAME`."""
    keyed = [node.value for node in nodes if isinstance(node, ast.Subscript)]
    keyed += [
        node.value for node in nodes if isinstance(node, ast.Attribute) and node.attr in ("get", "update")
    ]
    compared = [node for node in nodes if isinstance(node, ast.Compare)]
    keyed += [node.comparators[0] for node in compared if isinstance(node.ops[0], ast.In | ast.NotIn)]
    every, by_key = (Counter(n.id for n in some if isinstance(n, ast.Name)) for some in (nodes, keyed))
    return every - by_key


def _is_silent(line: ast.stmt) -> bool:
    """A docstring, or nothing at all."""
    is_text = isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
    return isinstance(line, ast.Pass) or (is_text and isinstance(line.value.value, str))


def _imports(node: ast.AST) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        yield from (Import(0, one.name, None, one.asname or one.name) for one in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        yield from (Import(node.level, module, one.name, one.asname or one.name) for one in node.names)


def data_files(module: Path) -> set[Path]:
    """What a module reads beside itself: each text in it that names a file there; a folder, if it asks where it is."""
    texts = read(module.read_bytes()).texts
    names = [text for text in texts if re.fullmatch(r"(?!\.+(/|$))[\w.-]+(/\w[\w.-]*)*", text)]
    places = {module.parent / name for name in names if len(name) < 100}
    places |= {module.with_suffix(text) for text in texts if re.fullmatch(r"\.\w+", text)}
    folders = {place for place in places if place.is_dir() and "__file__" in texts}
    inside = {path for folder in folders for path in folder.rglob("*")}
    return {path for path in places | inside if path.is_file() and path.suffix not in (".py", ".pyc")}


def code_key(files: Iterable[Path]) -> str:
    """One hash of files, by name and what they do, wherever they lie; with the data that modules read beside them."""
    files = set(files)
    modules = {path for path in files if path.suffix == ".py"}
    data = (files - modules).union(*map(data_files, modules))
    lines = [f"{path.name} {read(path.read_bytes()).sha256}" for path in modules]
    lines += [f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in data]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def homes_of(name: str, file: Path) -> dict[str, Path]:
    """The package that a module of this name and file belongs to; a single file has those of its folder beside it."""
    parts = name.split(".")
    above = len(parts) - (file.name != "__init__.py")
    folder = file.parents[min(above, len(file.parents) - 1)]
    if len(parts) > 1 or folder.name in ("site-packages", "dist-packages"):
        return {parts[0]: folder}
    beside = (path for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists())
    return {path.stem: folder for path in beside}


def commit() -> dict[str, object]:
    """The commit of this package, and whether its files are those of the commit; both None where Git can't say."""
    try:
        _git("ls-files", "--error-unmatch", Path(__file__).name)  # else the commit is another project's
        return {"commit": _git("rev-parse", "HEAD"), "clean": not _git("status", "--porcelain", ".")}
    except (OSError, subprocess.SubprocessError):
        return {"commit": None, "clean": None}


def _git(*words: str) -> str:
    asked = ["git", "-C", str(PACKAGE), *words]
    return subprocess.run(asked, capture_output=True, check=True, timeout=20, encoding="utf-8").stdout.strip()
