"""What became of the experiments' steady-state hypotheses, before, during and after their methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from runner.engine.events import ExperimentLoaded, HypothesisChecked, InjectionOrdered
from runner.scoring.scorecard import HypothesisScore


class HypothesisFigures:
    """Folds the answers; one score for each experiment and moment."""

    def __init__(self) -> None:
        self._scores: dict[tuple[str, str], HypothesisScore] = {}
        self._asks: dict[str, tuple[str, ...]] = {}
        self._begun: set[str] = set()

    def loaded(self, event: ExperimentLoaded, _t: float, _by: str) -> None:
        self._asks[event.experiment] = event.asks

    def ordered(self, event: InjectionOrdered, _t: float, _by: str) -> None:
        self._begun.add(event.experiment)

    def checked(self, event: HypothesisChecked, t: float, _by: str) -> None:
        key = (event.experiment, event.when)
        score = self._scores.get(key) or HypothesisScore(experiment=event.experiment, when=event.when, met=True)
        score = replace(score, asked=score.asked + 1)
        if not event.met:
            score = _unmet(score, event.probes, t)
        self._scores[key] = score

    def scores(self, *, over: bool = False) -> tuple[HypothesisScore, ...]:
        """Once it is `over`, with those that should have been asked, for their method had begun, and were not."""
        missing = [
            HypothesisScore(experiment=slug, when=when, why="it was cut short, or never asked")
            for slug, asks in self._asks.items()
            for when in asks
            if over and slug in self._begun and (slug, when) not in self._scores
        ]
        return (*self._scores.values(), *missing)


def _unmet(score: HypothesisScore, probes: tuple[Mapping[str, Any], ...], t: float) -> HypothesisScore:
    if score.unmet:
        return replace(score, unmet=score.unmet + 1)
    probe = next((probe for probe in probes if not probe.get("met", True)), {})
    error = str(probe.get("error") or "")
    gave = error or f"it gave {probe.get('value')}"
    return replace(score, met=False, unmet=1, since=t, broke=bool(error), why=f"{probe.get('name', 'a probe')}: {gave}")
