"""From a request to the plan of its run: the one that was kept, or one made of the files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.engine.plan import RunPlan
from runner.errors import InputError
from runner.planning.plan_cache import Kept, KeptPlan
from runner.planning.request import Request
from runner.specs.disk_reads import watched
from runner.specs.place import Path_

if TYPE_CHECKING:
    from runner.planning.compile import Remarks
    from runner.specs.catalogue import Catalogue


class Planned:
    """A plan, the root of its repository, and the places of what stands in its files."""

    def __init__(
        self,
        plan: RunPlan,
        root: Path,
        catalogue: Callable[[], Catalogue],
        keep: Callable[..., None],
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.plan = plan
        self.root = root
        #: Chaos Toolkit's own, as plain values.
        self.settings = settings or {}
        self._open = catalogue
        #: Call it with what takes secrets out of a document, once they are known.
        self.keep = keep

    def where(self, file: str, at: Path_) -> str:
        """As `Catalogue.where`. The files of a plan that was kept are read now, for the first time."""
        return self._catalogue.where(file, at)

    @cached_property
    def _catalogue(self) -> Catalogue:
        return self._open()


def planned(request: Request, remarks: Remarks = lambda _: ()) -> Planned:
    """The plan of what is asked for. Raises InputError with everything that is wrong."""
    place = KeptPlan(request)
    kept = place.load()
    if kept is not None:
        return Planned(kept.plan, kept.root, lambda: _catalogue(request), lambda _: None)
    with watched() as looks:
        catalogue = opened(request)
        plan = _compiled(catalogue, request, remarks)
    made = Kept(plan, catalogue.root)
    # What a file of variables puts into the environment, and what the settings say, is in no plan.
    besides = bool(request.variable_files or catalogue.beside.settings.value)

    def keep(masked: Callable[[Any], Any]) -> None:
        if not besides:
            place.keep(made, looks.values(), masked)

    return Planned(plan, catalogue.root, lambda: catalogue, keep, catalogue.beside.settings.value)


def opened(request: Request) -> Catalogue:
    """The repository, with what is given beside its files; variables of a file are put into this process's environment.

    Raises InputError.
    """
    from runner.specs.catalogue import Catalogue
    from runner.specs.overrides import read_beside

    beside = read_beside(request.variables, request.variable_files, request.settings)
    os.environ.update(beside.variables.environment)
    return Catalogue.around(Path(request.cwd), request.what, beside)


def _compiled(catalogue: Catalogue, request: Request, remarks: Remarks) -> RunPlan:
    from runner.planning.compile import compile_named, compile_walk

    if request.walk:
        return compile_walk(catalogue, request.what)
    sets = dict(request.sets)
    return compile_named(
        catalogue, request.what, target=request.target, sets=sets, attended=request.attended, remarks=remarks
    )


def _catalogue(request: Request) -> Catalogue:
    """With all that belongs to the request read."""
    catalogue = opened(request)
    # They may have changed a moment ago: what can be read of them has its places.
    with contextlib.suppress(InputError):
        _compiled(catalogue, request, lambda _: ())
    return catalogue
