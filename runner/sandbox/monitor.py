"""The monitor: scrapes every service, judges the alert rules, and answers like Prometheus."""

from __future__ import annotations

import asyncio
import re
from typing import Any

from aiohttp import web

from runner.clock import parse_iso
from runner.sandbox.addresses import SERVICES
from runner.sandbox.alert_rules import RULES, AlertBook
from runner.sandbox.metric_history import Samples
from runner.sandbox.metrics import MetricSeries, parse_exposition, parse_labels
from runner.sandbox.service import Post, Service, ServiceUnreachable, TooSlow

#: Seconds.
SCRAPE_PACE = 0.5
SCRAPE_PATIENCE = 1.0
JUDGE_PACE = 0.25

_QUERY = re.compile(r"(?P<sum>sum\s*\(\s*)?(?P<name>[A-Za-z_:][\w:]*)(?:\{(?P<labels>[^{}]*)\})?\s*(?(sum)\))")


class Monitor(Service):
    def __init__(self, post: Post) -> None:
        super().__init__(post)
        self._samples = Samples(self.clock.now)
        self._alerts = AlertBook()
        self.route("GET", "/api/v1/alerts", self._list_alerts)
        self.route("GET", "/api/v1/rules", self._list_rules)
        self.route("GET", "/api/v1/query", self._query)

    async def scrape(self, job: str) -> None:
        """For ever."""
        url = self.post.addresses.url(job) + "/metrics"
        while True:
            began = self.clock.now()
            try:
                reply = await self.call("GET", url, timeout=SCRAPE_PATIENCE)
                answered = reply.status == 200
            except (ServiceUnreachable, TooSlow):
                answered = False
            self._samples.add(job, parse_exposition(reply.body.decode()) if answered else None)
            await asyncio.sleep(max(SCRAPE_PACE - (self.clock.now() - began), 0.05))

    async def judge(self) -> None:
        """For ever."""
        before = self._alerts.states()
        while True:
            stamp = self.clock.stamp()
            self._alerts.evaluate(self._samples, stamp.t, stamp.at)
            after = self._alerts.states()
            for name, state in after.items():
                if state != before[name]:
                    self.log.write("alert", name=name, was=before[name], now=state, value=self._alerts.values[name])
            before = after
            await asyncio.sleep(JUDGE_PACE)

    async def _list_alerts(self, _request: web.Request) -> web.Response:
        return _success({"alerts": [alert.as_json() for alert in self._alerts.active.values()]})

    async def _list_rules(self, _request: web.Request) -> web.Response:
        states, at = self._alerts.states(), self.clock.stamp().at
        rules = [
            {
                "state": states[rule.name],
                "name": rule.name,
                "query": rule.query,
                "duration": rule.wait,
                "labels": {"severity": rule.severity},
                "annotations": {"summary": rule.summary},
                "alerts": [alert.as_json() for alert in self._alerts.active.values() if alert.rule is rule],
                "health": "ok",
                "evaluationTime": 0.0,
                "lastEvaluation": at,
                "type": "alerting",
            }
            for rule in RULES
        ]
        group = {"name": "sandbox", "file": "sandbox", "rules": rules, "interval": JUDGE_PACE, "lastEvaluation": at}
        return _success({"groups": [group]})

    async def _query(self, request: web.Request) -> web.Response:
        match = _QUERY.fullmatch(request.query.get("query", "").strip())
        if not match:
            error = 'only NAME, NAME{label="value"} and sum(…) of these are understood here'
            return web.json_response({"status": "error", "errorType": "bad_data", "error": error}, status=400)
        wanted = parse_labels(match["labels"] or "")
        found = [entry for entry in self._samples.instant() if entry[0].matches(match["name"], wanted)]
        if match["sum"]:
            found = [(MetricSeries(""), sum(value for _, value in found))] if found else []
        moment = parse_iso(self.clock.stamp().at).timestamp()
        return _success({"resultType": "vector", "result": [_vector(series, value, moment) for series, value in found]})


def _vector(series: MetricSeries, value: float, moment: float) -> dict[str, Any]:
    name = {"__name__": series.name} if series.name else {}
    return {"metric": name | dict(series.labels), "value": [moment, f"{value:.12g}"]}


def _success(data: dict[str, Any]) -> web.Response:
    return web.json_response({"status": "success", "data": data})


async def main(post: Post) -> None:
    monitor = Monitor(post)
    await monitor.serve(*(monitor.scrape(job) for job in SERVICES), monitor.judge())
