"""A target's headers go with the probes of its own addresses, however these are written, and with nobody else's."""

from __future__ import annotations

import pytest

from runner.engine.plan import Check, Target
from runner.planning.headers import with_target_headers
from runner.testing import sample_plan

_TARGET = Target(
    name="stage",
    kind="http",
    environment="staging",
    url="https://Shop.stage.example.com.:8443",
    vars={"admin": "http://[2001:db8::1]", "city": "https://münchen.example"},
    headers={"Authorization": "Bearer ${TOKEN}"},
)


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://shop.stage.example.com:8443/health", True),
        ("http://[2001:DB8:0::1]:80/x", True),
        ("https://xn--mnchen-3ya.example/", True),
        ("${target.url}/health", True),
        ("https://shop.stage.example.com/health", False),
        ("http://xn--mnchen-3ya.example/", False),
        ("https://shop.stage.example.com.evil.example:8443/", False),
        ("https://evil.example\\@shop.stage.example.com:8443/", False),
        ("https://shop.stage.example.com:port/", False),
        ("${other}/health", False),
    ],
)
def test_a_token_goes_to_the_target_alone(url: str, sent: bool) -> None:
    need = Check(name="n", probe={"provider": {"type": "http", "url": url}})
    (check,) = with_target_headers(sample_plan(target=_TARGET, needs=(need,))).needs
    assert ("headers" in check.probe["provider"]) is sent
