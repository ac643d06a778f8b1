"""What became of the experiments' steady-state hypotheses, before, during and after their methods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from runner.engine.events import HypothesisChecked, InjectionOrdered
from runner.engine.plan import Experiment
from runner.engine.scorecard import HypothesisScore

#: When Chaos Toolkit asks, by the experiment's strategy; any other asks before and after.
_ASKED: Mapping[str, tuple[str, ...]] = {
    "before-method-only": (),
    "during-method-only": ("during",),
    "after-method-only": ("after",),
    "continuously": ("during", "after"),
    "continously": ("during", "after"),
    "skip": (),
}


class HypothesisTally:
    """Folds the answers; one score for each experiment and moment."""

    def __init__(self) -> None:
        self._scores: dict[tuple[str, str], HypothesisScore] = {}
        self.begun: set[str] = set()

    def ordered(self, event: InjectionOrdered, _t: float, _by: str) -> None:
        self.begun.add(event.experiment)

    def checked(self, event: HypothesisChecked, t: float, _by: str) -> None:
        key = (event.experiment, event.when)
        score = self._scores.get(key) or HypothesisScore(experiment=event.experiment, when=event.when, met=True)
        score = replace(score, asked=score.asked + 1)
        if not event.met:
            score = _unmet(score, event.probes, t)
        self._scores[key] = score

    def scores(self, over: Iterable[Experiment] = ()) -> tuple[HypothesisScore, ...]:
        """With those that should have been asked and were not, of the experiments that are `over` and had begun."""
        missing = [
            HypothesisScore(experiment=each.slug, when=when, why="it was cut short, or never asked")
            for each in over
            if each.slug in self.begun
            for when in expected(each.document)
            if (each.slug, when) not in self._scores
        ]
        return (*self._scores.values(), *missing)


def expected(document: Mapping[str, Any]) -> tuple[str, ...]:
    """When, from the method's beginning on, an experiment's hypothesis is asked: during, after, both, never."""
    hypothesis = document.get("steady-state-hypothesis") or {}
    if not hypothesis.get("probes"):
        return ()
    runtime = (document.get("runtime") or {}).get("hypothesis") or {}
    return _ASKED.get(str(runtime.get("strategy")), ("after",))


def _unmet(score: HypothesisScore, probes: tuple[Mapping[str, Any], ...], t: float) -> HypothesisScore:
    if score.unmet:
        return replace(score, unmet=score.unmet + 1)
    probe = next((probe for probe in probes if not probe.get("met", True)), {})
    error = str(probe.get("error") or "")
    gave = error or f"it gave {probe.get('value')}"
    return replace(score, met=False, unmet=1, since=t, broke=bool(error), why=f"{probe.get('name', 'a probe')}: {gave}")
