"""The files of a drill's load: one locustfile, several, or a folder of them, and the locust.conf beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from pathlib import Path

from runner.errors import InputError, Problem
from runner.lazy_dataclass import lazy_dataclass
from runner.specs.disk_reads import below, is_dir, is_file
from runner.specs.files import read_bytes
from runner.specs.load_spec import DEFAULT_LOCUSTFILE, written_locustfiles
from runner.specs.locust_conf import FILE, check_conf, unheeded
from runner.specs.locust_requests import requests_sent
from runner.specs.locustfile_checks import check_locustfiles, read_source
from runner.specs.yaml_composer import Json


@lazy_dataclass
class LoadFiles:
    """Absolute paths, each once, in the order in which Locust reads them; and what is wrong with any of them.

    `remarks`: what is right in itself, and not heeded. `requests`: all that the load can send ("GET /ok"), None when the
    text of the locustfiles does not show it.
    """

    locustfiles: tuple[Path, ...] = ()
    conf: Path | None = None
    problems: list[Problem] = field(default_factory=list)
    remarks: tuple[str, ...] = ()
    requests: frozenset[str] | None = None


def read_load_files(
    folder: Path, load: Mapping[str, Json], shown: Callable[[Path], str], root: Path | None = None
) -> LoadFiles:
    """The files that `load` of the drill in `folder` names; none where it does not name them as it should."""
    written = written_locustfiles(load.get("locustfile") or DEFAULT_LOCUSTFILE)
    if not isinstance(written, list) or not all(isinstance(name, str) and name for name in written):
        return LoadFiles()
    found = LoadFiles()
    paths: dict[Path, str] = {}
    for path in (folder / name for name in written):
        if is_dir(path):
            inside = list(_in_folder(path))
            paths.update((file, shown(file)) for file in inside)
            if not inside:
                what, meant = "holds no locustfile", "a .py file whose name does not begin with _"
                found.problems.append(Problem(file=shown(path), what=what, meant=meant))
        else:
            paths[path] = shown(path)
    found.locustfiles = tuple(paths)
    problems = check_locustfiles(paths, root)
    found.problems += problems
    if not problems:
        found.requests = requests_sent(tree for tree in (read_source(*item)[0] for item in paths.items()) if tree)
    _read_conf(folder, paths, shown, found)
    return found


def _in_folder(folder: Path) -> Iterator[Path]:
    """As `locust -f FOLDER` has it, in an order that is the same everywhere."""
    found = (path for path in below(folder) if path.suffix == ".py" and not path.name.startswith("_"))
    return iter(sorted(found))


def _read_conf(folder: Path, paths: Mapping[Path, str], shown: Callable[[Path], str], found: LoadFiles) -> None:
    conf = folder / FILE
    if not is_file(conf):
        return
    found.conf = conf
    try:
        text = read_bytes(conf, shown(conf)).decode("utf-8", "replace")
        own_options = any(b"add_argument" in read_bytes(path, name) for path, name in paths.items())
    except InputError as error:
        found.problems += [problem for problem in error.problems if problem not in found.problems]
        return
    found.remarks = tuple(unheeded(text, shown(conf)))
    found.problems += check_conf(text, shown(conf), own_options=own_options)
