"""Checkout: charges the card through the gateway the flags name, behind a circuit breaker."""

from __future__ import annotations

from aiohttp import web

from runner.sandbox.breaker import Breaker
from runner.sandbox.flag_watch import FlagWatch
from runner.sandbox.flags import FlagSettings
from runner.sandbox.service import Post, Reply, Service, ServiceError, ServiceUnreachable, TooSlow, read_json

#: Flag value → the service that it means.
GATEWAYS = {"primary": "gateway", "backup": "backup"}


class Checkout(Service):
    def __init__(self, post: Post) -> None:
        super().__init__(post)
        self.flags = FlagWatch(self, self._apply)
        # One each: a broken primary must not keep shoppers from the backup.
        self._breakers = {name: Breaker() for name in GATEWAYS}
        self._calls = self.metrics.counter("gateway_calls_total", "Calls of a gateway, by gateway and outcome.")
        self._waits = self.metrics.histogram("gateway_call_seconds", "Seconds a gateway call took, by gateway.")
        self.metrics.gauge("breaker_state", "Of the gateway in use: 0 closed, 1 half open, 2 open.", self._state)
        self.route("POST", "/checkout", self._checkout)

    async def _checkout(self, request: web.Request) -> web.Response:
        order = await read_json(request)
        settings = self.flags.settings
        if not settings.checkout:
            raise ServiceError(503, "checkout is switched off")
        charge = await self._charge(settings, {"amount": order.get("amount", 1000)})
        return web.json_response({"order": "accepted", "charge": charge})

    async def _charge(self, settings: FlagSettings, charge: dict[str, object]) -> object:
        name = settings.gateway
        breaker = self._breakers[name]
        if settings.breaker and not breaker.lets_through(self.clock.now()):
            self._calls.add(gateway=name, outcome="refused")
            raise ServiceError(503, f"the breaker of the {name} gateway is open")
        started = self.clock.now()
        outcome = "failed"
        try:
            reply = await self._call(settings, charge)
            outcome = "ok" if reply.status == 200 else "failed"
        except TooSlow as error:
            outcome = "timeout"
            raise ServiceError(504, f"the {name} gateway gave {error}") from error
        except ServiceUnreachable as error:
            raise ServiceError(502, f"the {name} gateway failed: {error}") from error
        finally:
            now = self.clock.now()
            self._waits.observe(now - started, gateway=name)
            self._calls.add(gateway=name, outcome=outcome)
            if settings.breaker:
                breaker.record(now, succeeded=outcome == "ok")
        if outcome != "ok":
            raise ServiceError(502, f"the {name} gateway answered {reply.status}")
        return reply.json()["charge"]

    async def _call(self, settings: FlagSettings, charge: dict[str, object]) -> Reply:
        url = self.post.addresses.proxied_url(GATEWAYS[settings.gateway]) + "/charge"
        return await self.call("POST", url, timeout=settings.gateway_timeout, body=charge)

    def _apply(self, settings: FlagSettings) -> None:
        for breaker in self._breakers.values():
            breaker.threshold, breaker.cooldown = settings.breaker_threshold, settings.breaker_cooldown
            if not settings.breaker:
                breaker.close()

    def _state(self) -> float:
        return self._breakers[self.flags.settings.gateway].state


async def main(post: Post) -> None:
    checkout = Checkout(post)
    await checkout.flags.refresh()
    await checkout.serve(checkout.flags.follow())
