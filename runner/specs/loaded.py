"""The files of a drill, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from runner.lazy_dataclass import lazy_dataclass
from runner.specs.drill import Drill, PlannedExperiment
from runner.specs.experiment import ExperimentSpec
from runner.specs.runbook_spec import RunbookSpec
from runner.specs.target_spec import SecretSource, TargetSpec
from runner.specs.yaml import Document


@lazy_dataclass(frozen=True)
class LoadedExperiment:
    """An experiment of a drill, or a bare one (`planned` is then made up). `sources` of secrets that a var-file holds."""

    slug: str
    experiment: ExperimentSpec
    planned: PlannedExperiment
    sources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@lazy_dataclass(frozen=True)
class LoadedRunbook:
    """A runbook alone, and the document that knows the place of everything in it."""

    slug: str
    runbook: RunbookSpec
    document: Document


@lazy_dataclass(frozen=True)
class LoadedDrill:
    """Every file of a drill, checked alone and together. Paths are absolute, `file` and the like relative to `root`.

    `secrets` are those of the drill and of the target. `document` and `runbook_document` know the place of everything.
    """

    root: Path
    slug: str
    file: str
    drill: Drill
    document: Document
    target_name: str
    target: TargetSpec
    targets_file: str
    experiments: tuple[LoadedExperiment, ...]
    secrets: Mapping[str, SecretSource]
    runbook_slug: str = ""
    runbook: RunbookSpec | None = None
    runbook_document: Document | None = None
    locustfiles: tuple[Path, ...] = ()
    locust_conf: Path | None = None
    load_remarks: tuple[str, ...] = ()

    @property
    def runbook_file(self) -> str:
        """The runbook's file; '' when the drill has none."""
        return self.runbook_document.file if self.runbook_document else ""
