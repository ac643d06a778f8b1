"""One form for every machine, whatever it is written like; and which entries of `allow: hosts` have a fault."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.specs.hostname import canonical, fault_of, fits, is_here
from runner.specs.target_checks import read_targets
from runner.specs.yaml import read_document


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("Shop.Example.COM", "shop.example.com"),
        ("shop.example.com.", "shop.example.com"),
        ("web_1", "web_1"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:10.0.0.5", "10.0.0.5"),
        ("::ffff:a00:5", "10.0.0.5"),
        ("127.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0X7F000001", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("10.0.0.0/24", "10.0.0.0/24"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("MÜNCHEN.example.", "xn--mnchen-3ya.example"),
        ("日本.example", "xn--wgv71a.example"),
    ],
)
def test_a_machine_has_one_form(written: str, form: str) -> None:
    assert canonical(written) == form


@pytest.mark.parametrize(
    "written",
    [
        "",
        ".",
        "a..b",
        ".a",
        "-a",
        "a-",
        "a b",
        "shop:80",
        "[::1]:80",
        "[::1",
        "a/b",
        "a@b",
        "a*",
        "10.0.0.5/24",
        "a" * 64,
        ".".join(["a" * 50] * 6),
        # Some read the zero as octal, some do not.
        "010.0.0.1",
        "256.1.1.1",
        "1.2.3.4.5",
        "0x",
        # IDNA of 2003 and of 2008 make another name of it.
        "faß.example",
        "ｓhop.example",
        "日本。example",
        "a\u200db.example",
    ],
)
def test_what_clients_may_read_differently_has_none(written: str) -> None:
    assert canonical(written) == ""
    assert not fits("*.example", written)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1.2.3", "::1", "0.0.0.0", "::", "ip6-localhost"])
def test_this_machine_has_several_names(host: str) -> None:
    assert is_here(host)
    assert fits("localhost", host)
    assert fits("127.0.0.1", host)
    assert fits("[::1]", host)


@pytest.mark.parametrize(
    ("pattern", "host", "fit"),
    [
        ("shop.example.com.", "Shop.example.com", True),
        ("SHOP.example.com", "shop.example.com.", True),
        ("[2001:db8::1]", "2001:DB8:0:0::1", True),
        ("2001:db8::/32", "[2001:db8::7]", True),
        ("2001:db8::/32", "2001:db9::7", False),
        ("10.0.0.0/24", "10.0.0.77", True),
        ("10.0.0.0/24", "10.0.1.77", False),
        ("10.0.0.0/24", "::ffff:10.0.0.77", True),
        ("::ffff:10.0.0.0/120", "10.0.0.77", True),
        ("10.0.0.0/24", "10.0.0.0/28", True),
        ("10.0.0.0/24", "10.0.0.0/8", False),
        ("10.0.0.0/24", "shop.example.com", False),
        ("10.0.0.*", "10.0.0.9", True),
        ("bücher.example", "xn--bcher-kva.example", True),
        ("xn--bcher-kva.example", "BÜCHER.example", True),
        ("*.bücher.example", "shop.xn--bcher-kva.example", True),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.example.com.evil.example", False),
        ("shop-*.example.com", "shop-1.eu.example.com", True),
        ("shop-*.example.com", "shop.example.com", False),
        ("a*a.example.com", "a.example.com", False),
        ("127.0.0.1", "10.0.0.1", False),
        ("*", "shop.example.com", False),
    ],
)
def test_both_sides_are_read_alike(pattern: str, host: str, fit: bool) -> None:
    assert fits(pattern, host) is fit


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("shop.example.com:8080", "has a port: a host is allowed with all its ports; write 'shop.example.com'"),
        ("[::1]:8080", "has a port: a host is allowed with all its ports; write '[::1]'"),
        ("*.example.com:443", "has a port: a host is allowed with all its ports; write '*.example.com'"),
        ("http://shop.example.com:8080/", "is an address, where a host is meant; write 'shop.example.com'"),
        ("postgresql://u:p@db-1/shop", "is an address, where a host is meant; write 'db-1'"),
        ("http://[::1", "is an address, where a host is meant; write the name of a host"),
        ("root@web1:22", "names a user, where a host is meant; write 'web1'"),
        ("shop.example.com/api", "is neither a host nor a network; write 'shop.example.com'"),
        ("10.0.0.5/24", "is an address inside a network; write '10.0.0.0/24', or '10.0.0.5' for the one machine"),
        ("[2001:db8::]/32", "is not how a network is written; write '2001:db8::/32'"),
        ("0.0.0.0/0", "is every machine there is"),
        ("::/0", "is every machine there is"),
        ("*", "is every machine there is"),
        ("*.*", "is every machine there is"),
        ("2001:db8::*", "* does not stand for a part of an IPv6 address; write a network"),
        ("a?.example.com", "is not the name or the address of a machine"),
        ("[ab].example.com", "is not the name or the address of a machine"),
        ("*.exa mple.com", "is not a host's name"),
        ("*..example.com", "is not a host's name"),
        (".example.com", "is not the name or the address of a machine; write '*.example.com'"),
        ("10.0.0.300", "each number is from 0 to 255"),
        ("010.0.0.1", "each number is from 0 to 255, without a zero before it"),
        ("10", "is not the name or the address of a machine"),
        ("${target.url}", "is not the name or the address of a machine"),
    ],
)
def test_what_no_machine_could_fit_is_refused_at_its_place(tmp_path: Path, pattern: str, words: str) -> None:
    file = tmp_path / "targets.yaml"
    file.write_text(
        "targets:\n  t:\n    kind: http\n    environment: test\n    url: http://a.example\n"
        f"    allow:\n      hosts: [b.example, '{pattern}']\n"
    )
    (problem,) = read_targets(read_document(file, "targets.yaml"))[1].problems()
    assert words in str(problem)
    assert (problem.line, problem.column) == (7, 26)
    assert not fits(pattern, "b.example")


@given(st.text(max_size=40) | st.from_regex(r"[A-Za-z0-9.:\[\]/%-]{0,40}", fullmatch=True))
def test_any_text_has_a_form_or_none_and_the_form_is_its_own(text: str) -> None:
    form = canonical(text)
    assert canonical(form) == form
    if form and ":" not in form and "/" not in form:
        assert canonical(form.upper()) == form
        assert canonical(f"{form}.") == form
    fault_of(text)
    fits(text, text)


@given(st.from_regex(r"[a-z0-9-]{1,9}(\.[a-z0-9-]{1,9}){0,3}", fullmatch=True))
def test_a_name_that_may_be_declared_fits_itself(name: str) -> None:
    if not fault_of(name)[0]:
        assert fits(name, name.upper() + ".")
