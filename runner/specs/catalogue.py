"""A repository of drills: which files there are, and reading those that belong together.

A repository is a folder with `drills/`, `experiments/` or `runbooks/` in it. Every file is read once, and everything
that is wrong in all the files of a drill is reported at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from runner.errors import InputError, Problem
from runner.specs.cross_checks import Parts, check_experiment, check_runbook_alone, check_together
from runner.specs.diagnostics import Diagnostics
from runner.specs.disk_reads import below, exists, is_dir, is_file
from runner.specs.drill import Drill, PlannedExperiment
from runner.specs.drill_checks import read_drill
from runner.specs.experiment import ExperimentSpec, read_experiment
from runner.specs.file_kinds import READERS, Reader, T, as_it_is, kind_by_keys
from runner.specs.injection_moment import AfterWarmUp
from runner.specs.loaded import LoadedDrill, LoadedExperiment, LoadedRunbook
from runner.specs.locust_files import read_load_files
from runner.specs.locust_options import apply_options
from runner.specs.locustfile_checks import check_locustfiles
from runner.specs.names import FOLDERS, TARGETS_FILES, Names, is_file_name, or_nearest, repository, shown, straight
from runner.specs.overrides import Beside
from runner.specs.runbook_checks import read_runbook
from runner.specs.target_checks import read_targets
from runner.specs.target_spec import BUILT_IN, TargetsFile, TargetSpec
from runner.specs.yaml import Document, Path_, read_document


class Catalogue:
    """The files of one repository. Reads each at most once, so it does not see later changes."""

    def __init__(self, root: Path, beside: Beside | None = None) -> None:
        """`beside` is what is given besides the files."""
        self.root = straight(root)
        self.beside = beside or Beside()
        self._read: dict[tuple[Path, Any], tuple[Any, Diagnostics, Document]] = {}
        self._names = Names(self.root)
        self._options: dict[str, Document] = {}

    @classmethod
    def find(cls, cwd: Path, beside: Beside | None = None) -> Catalogue:
        """The repository that `cwd` is in. Raises InputError when it is in none."""
        root = repository(cwd)
        if root is None:
            what = f"no {'/, '.join(FOLDERS)}/ here, nor in a folder above"
            raise InputError(f"{what}; `gameday init` lays them out")
        return cls(root, beside)

    @classmethod
    def around(cls, cwd: Path, what: str, beside: Beside | None = None) -> Catalogue:
        """The repository of what somebody in `cwd` names: by a name, the one that `cwd` is in; by a path, the one it lies in.

        What lies in none is taken from where it is named: then `cwd` is all there is. Raises InputError for a name that
        is typed where there is no repository.
        """
        here = repository(cwd)
        known = None if here is None else cls(here, beside)
        if known is not None and known._names.knows(what):
            return known
        path = cwd / what
        if not what or not exists(path):
            if here is None and is_file_name(path):
                raise InputError(Problem(file=what, what="there is no such file"))
            return cls.find(cwd, beside)
        home = repository(path if is_dir(path) else path.parent) or here
        if home is None and is_dir(path):
            return cls.find(cwd, beside)
        return known if known is not None and home == here else cls(home or cwd, beside)

    # -- names ---------------------------------------------------------------------------------------------------------

    def drills(self) -> list[str]:
        """The names of the drills: the folders anywhere under drills/ with a drill.yaml in them."""
        return list(self._names.of("drills"))

    def experiments(self) -> list[str]:
        """The names of the experiments: the files under experiments/, without their endings."""
        return list(self._names.of("experiments"))

    def runbooks(self) -> list[str]:
        """The names of the runbooks: the files under runbooks/, without their endings."""
        return list(self._names.of("runbooks"))

    def drill(self, what: str) -> Path:
        """The file of a drill: by its name, its folder or the file itself. Raises InputError with the nearest name."""
        return self._names.drill(what)

    def experiment(self, what: str) -> Path:
        """The file of an experiment: by its name or the file itself. Raises InputError with the nearest name."""
        return self._names.file("experiment", what)

    def is_experiment(self, what: str) -> bool:
        """Whether `what`, given to `gameday run`, names an experiment. A drill of the same name comes first.

        Raises InputError when it names neither.
        """
        if what in self._names.of("drills"):
            return False
        path = Path(what)
        if is_file(path) and is_file_name(path):
            return self._runnable(path) == "experiment"
        if what in self._names.of("experiments"):
            return True
        if is_dir(path) or "/" in what:
            self.drill(what)
            return False
        known = [*self._names.of("drills"), *self._names.of("experiments")]
        raise InputError(f"there is no drill or experiment {what!r}{or_nearest(what, known, 'here')}")

    def _runnable(self, path: Path) -> str:
        """drill or experiment; '' for a file that says too little to tell. Raises InputError for what is neither."""
        kind = self.kind(path)
        if kind in ("", "drill", "experiment"):
            return kind
        article = "the list of targets" if kind == "targets" else f"a {kind}"
        meant = f"walk through it with: gameday walk {self.shown(path)}" if kind == "runbook" else "name a drill"
        raise InputError(
            Problem(file=self.shown(path), what=f"is {article}, not a drill or an experiment", meant=meant)
        )

    def shown(self, path: Path) -> str:
        """A path as messages and transcripts name it: relative to the root when it lies under it."""
        return shown(path, self.root)

    # -- reading -------------------------------------------------------------------------------------------------------

    def targets(self) -> dict[str, TargetSpec]:
        """Name → target: the declared ones and `sandbox` and `local`. Raises InputError when targets.yaml is wrong."""
        targets, notes = self._targets()
        if notes is not None and notes:
            raise InputError(*notes.problems())
        return {name: target for name, target in targets.items() if target is not None}

    def load_drill(self, what: str, *, target: str | None = None, sets: Mapping[str, str] | None = None) -> LoadedDrill:
        """A drill with all that belongs to it, on its own target or another.

        `sets`: dotted field → value, put into the drill before it is checked. Raises InputError with every problem of
        every file involved.
        """
        path = self.drill(what)
        document = self._document(path)
        if sets:
            document = self._options[self.shown(path)] = apply_options(document, sets)
        drill, notes = read_drill(document) if sets else self._cached(path, read_drill)[:2]
        problems = notes.problems()
        raw = document.value if isinstance(document.value, dict) else {}
        parts = Parts(document, self.shown(path))
        parts.targets, target_notes = self._targets()
        problems += target_notes.problems() if target_notes else []
        self._gather(raw, parts, problems, path, override=target)
        problems += check_together(raw, parts, self.runbooks(), self.experiments())
        if not problems:
            problems += self.beside.variables.in_vain([each.document for each, _ in parts.experiments.values()])
        if problems or drill is None or parts.target is None:
            raise InputError(*sorted(set(problems)))
        return self._loaded(path, drill, parts)

    def load_experiment(self, what: str, *, target: str) -> tuple[LoadedExperiment, TargetSpec]:
        """A bare experiment and the target it runs on. Raises InputError with every problem of both."""
        path = self.experiment(what)
        experiment, notes, document = self._cached(path, read_experiment)
        problems = notes.problems()
        targets, target_notes = self._targets()
        problems += target_notes.problems() if target_notes else []
        if target not in targets:
            raise InputError(*problems, f"there is no target {target!r}{or_nearest(target, targets, 'targets')}")
        declared = targets[target]
        if experiment is not None and declared is not None:
            problems += check_experiment(experiment, document, target, declared, ())
            problems += self.beside.variables.in_vain([experiment.document])
        if problems or experiment is None or declared is None:
            raise InputError(*sorted(set(problems)))
        slug = path.stem
        planned = PlannedExperiment.model_construct(experiment=slug, inject=AfterWarmUp(), no_undo=None)
        return LoadedExperiment(slug, experiment, planned, self.beside.variables.sources()), declared

    def load_runbook(self, what: str) -> LoadedRunbook:
        """A runbook alone: by its name or the file itself. Raises InputError with every problem of it."""
        path = self._names.file("runbook", what)
        if (kind := self.kind(path)) not in ("runbook", ""):
            article = "an" if kind == "experiment" else "a"
            raise InputError(Problem(file=self.shown(path), what=f"this is {article} {kind}", meant="a runbook"))
        runbook, notes, document = self._cached(path, read_runbook)
        if runbook is None or notes.problems():
            raise InputError(*notes.problems())
        return LoadedRunbook(path.stem, runbook, document)

    def targets_file(self, target: str) -> str:
        """The file that declares this target; '' for one that exists without being declared."""
        file = self._targets_path()
        if file is None:
            return ""
        document = self._document(file)
        declared = document.value.get("targets") if isinstance(document.value, dict) else None
        return document.file if isinstance(declared, dict) and target in declared else ""

    def where(self, file: str, at: Path_) -> str:
        """`file:line:column` of a value in a file that was read, or the option of the command line it came from.

        `at` is the value's path; of what is not written there, the nearest that is. Just the file when nobody has read it.
        """
        problem = self.problem(file, at, "")
        return f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file

    def problem(self, file: str, at: Path_, what: str, meant: str = "") -> Problem:
        """What is wrong with the value at `at`, with its place as in `where`."""
        read = {document.file: document for _, _, document in self._read.values()} | self._options
        settings = self.beside.settings
        document = settings.document if settings.file and file == settings.file else read.get(file)
        if document is None or not at:
            return Problem(file=file, what=what, meant=meant)
        if option := document.option(at):
            return Problem(file=option, what=what, meant=meant)
        place = document.place(at)
        return Problem(file=file, line=place.line, column=place.column, what=what, meant=meant)

    def _gather(
        self, raw: Mapping[str, Any], parts: Parts, problems: list[Problem], path: Path, *, override: str | None
    ) -> None:
        parts.target_name = override or str(raw.get("target") or "")
        parts.overridden = override is not None
        parts.target = parts.targets.get(parts.target_name)
        if file := self._meant("runbooks", raw.get("runbook"), problems):
            parts.runbook, parts.runbook_document = self._part(file, read_runbook, problems)
        for planned in raw.get("experiments") or () if isinstance(raw.get("experiments"), list) else ():
            slug = planned.get("experiment") if isinstance(planned, dict) else None
            if isinstance(slug, str) and (file := self._meant("experiments", slug, problems)):
                experiment, document = self._part(file, read_experiment, problems)
                if experiment is not None and document is not None:
                    parts.experiments[slug] = (experiment, document)
        load = raw.get("load")
        if isinstance(load, dict):
            parts.load = read_load_files(path.parent, load, self.shown, self.root)
            problems += parts.load.problems

    def _meant(self, folder: str, name: Any, problems: list[Problem]) -> Path | None:
        """The file that a drill calls by this name; the first when it fits several, which is a problem of its own."""
        if not isinstance(name, str):
            return None
        if (fault := self._names.fault(folder, name)) is not None:
            problems.append(fault)
        return self._names.of(folder).get(name)

    def _part(self, file: Path, reader: Reader[T], problems: list[Problem]) -> tuple[T | None, Document | None]:
        try:
            value, notes, document = self._cached(file, reader)
        except InputError as error:
            problems += error.problems
            return None, None
        problems += notes.problems()
        return value, document

    def _loaded(self, path: Path, drill: Drill, parts: Parts) -> LoadedDrill:
        target = parts.target or BUILT_IN["sandbox"]
        sources = self.beside.variables.sources()
        return LoadedDrill(
            root=self.root,
            slug=self._names.slug(path),
            file=self.shown(path),
            drill=drill,
            document=parts.document,
            target_name=parts.target_name,
            target=target,
            targets_file=self.targets_file(parts.target_name),
            experiments=tuple(
                LoadedExperiment(planned.experiment, parts.experiments[planned.experiment][0], planned, sources)
                for planned in drill.experiments
            ),
            secrets={**target.secrets, **drill.secrets},
            runbook_slug=drill.runbook or "",
            runbook=parts.runbook,
            runbook_document=parts.runbook_document,
            locustfiles=parts.load.locustfiles,
            locust_conf=parts.load.conf,
            load_remarks=parts.load.remarks,
        )

    def _targets(self) -> tuple[dict[str, TargetSpec | None], Diagnostics | None]:
        """Name → target, None for one that is wrong; and what is wrong with them."""
        file = self._targets_path()
        if file is None:
            return dict(BUILT_IN), None
        try:
            targets, notes, document = self._cached(file, read_targets)
        except InputError as error:
            return dict(BUILT_IN), Diagnostics(Document(self.shown(file), problems=list(error.problems)))
        declared: dict[str, TargetSpec | None] = dict(targets.targets) if isinstance(targets, TargetsFile) else {}
        if not declared and isinstance(document.value, dict) and isinstance(document.value.get("targets"), dict):
            # A target that is declared wrongly is declared all the same: its own problems are enough.
            declared = dict.fromkeys(document.value["targets"])
        return {**BUILT_IN, **declared}, notes

    def _targets_path(self) -> Path | None:
        return next((path for name in TARGETS_FILES if exists(path := self.root / "drills" / name)), None)

    def _document(self, path: Path) -> Document:
        return self._cached(path, as_it_is)[2]

    def _cached(self, path: Path, reader: Reader[T]) -> tuple[T | None, Diagnostics, Document]:
        key = (path, reader)
        if key not in self._read:
            if reader is as_it_is:
                document = read_document(path, self.shown(path))
                self._read[key] = (None, Diagnostics(document, further=True), document)
            else:
                self._read[key] = self._made(self._document(path), reader)
        return self._read[key]

    def _made(self, document: Document, reader: Reader[T]) -> tuple[T | None, Diagnostics, Document]:
        chosen: Reader[Any] = reader
        if chosen is read_experiment:
            document = self.beside.variables.applied(document)
            chosen = partial(read_experiment, filled=bool(self.beside.settings.controls))
        return (*chosen(document), document)

    # -- checking ------------------------------------------------------------------------------------------------------

    def check(self, paths: Iterable[Path] = ()) -> list[Problem]:
        """Everything that is wrong in the files and folders named, or in the whole repository, sorted by place."""
        found: set[Problem] = set()
        alone: set[Problem] = set()
        files = [file for each in paths for file in self._under(each)] or self._all()
        for path in files:
            try:
                found.update(self._check(path))
                alone.update(self._check_alone(path))
            except InputError as error:
                found.update(error.problems)
        found.update(fault for fault in self._names.faults() if fault.file in set(map(self.shown, files)))
        told = {(problem.file, problem.line, problem.column) for problem in found}
        return sorted(found.union(each for each in alone if (each.file, each.line, each.column) not in told))

    def _check_alone(self, path: Path) -> list[Problem]:
        """What is wrong with a runbook whatever target it may be for; of a drill's, that drill's target decides."""
        if self._targets_path() is None or path.suffix == ".py" or self.kind(path) != "runbook":
            return []
        runbook, _, document = self._cached(path, read_runbook)
        return [] if runbook is None else check_runbook_alone(document, self._targets()[0])

    def readable(self, paths: Iterable[Path] = ()) -> Iterator[LoadedDrill | ExperimentSpec]:
        """The drills and experiments among these files, or in the whole repository, that nothing is wrong with."""
        for path in [file for each in paths for file in self._under(each)] or self._all():
            with suppress(InputError):
                kind = self.kind(path)
                if kind == "drill":
                    yield self.load_drill(str(path))
                elif kind == "experiment" and (experiment := self._cached(path, read_experiment)[0]) is not None:
                    yield experiment

    def _all(self) -> list[Path]:
        targets = [file for name in TARGETS_FILES if exists(file := self.root / "drills" / name)]
        named = [file for folder in FOLDERS for file in self._names.of(folder).values()]
        # A drill under another name has no name to run it by, but may be run by its path.
        unnamed = (
            file for file in below(self.root / "drills") if is_file_name(file) and file not in {*named, *targets}
        )
        return [*targets, *named, *(file for file in unnamed if self.kind(file) == "drill")]

    def _under(self, path: Path) -> list[Path]:
        path = straight(path)
        if not is_dir(path):
            return [path]
        if path == self.root:
            return self._all()
        return [file for file in below(path) if is_file_name(file)]

    def _check(self, path: Path) -> list[Problem]:
        if path.suffix == ".py":
            return check_locustfiles({path: self.shown(path)}, self.root)
        kind = self.kind(path)
        if kind == "drill":
            self.load_drill(str(path))
            return []
        reader: Any = READERS.get(kind)
        if reader is not None:
            return self._cached(path, reader)[1].problems()
        what, meant = "it does not show what kind of file this is", "a drill, a runbook, an experiment or targets"
        document = self._document(path)
        return document.problems or [Problem(file=self.shown(path), line=1, column=1, what=what, meant=meant)]

    def kind(self, path: Path) -> str:
        """drill, runbook, experiment, targets or script: by the file's place, else by what is in it; '' when unclear."""
        path = straight(path)
        return self._names.kind(path) or kind_by_keys(self._document(path).value)
