"""Experiments that are wrong: each with the place and the words a person is given."""

from __future__ import annotations

import pytest

from runner.specs.experiment import read_experiment
from runner.specs.yaml import parse

_HEAD = "title: t\ndescription: d\n"
_ACTION = "{type: action, name: a, provider: {type: process, path: ls}}"
_PROBE = "{type: probe, name: p, tolerance: 0, provider: {type: process, path: ls}}"


def _method(activity: str) -> str:
    return f"{_HEAD}method:\n  - {activity}\n"


def _provider(provider: str) -> str:
    return _method(f"{{type: action, name: a, provider: {{{provider}}}}}")


def _hypothesis(probe: str) -> str:
    return f"{_HEAD}steady-state-hypothesis:\n  title: h\n  probes:\n    - {probe}\nmethod: []\n"


# What stands in the file, and every line of what `gameday check` says about it (the file's name left out).
CASES: dict[str, tuple[str, list[str]]] = {
    "no-title": ("description: d\nmethod: []\n", ["1:1: 'title' is missing"]),
    "title-empty": ('title: ""\ndescription: d\nmethod: []\n', ["1:8: title: is empty"]),
    "no-description": ("title: t\nmethod: []\n", ["1:1: 'description' is missing"]),
    "no-method": (_HEAD, ["1:1: 'method' is missing; write `method: []` for an experiment that only observes"]),
    "method-null": (
        _HEAD + "method:\n",
        ["3:8: method: has no value; write `method: []` for an experiment that only observes"],
    ),
    "rollbacks-null": (
        _HEAD + "method: []\nrollbacks:\n",
        ["4:11: rollbacks: has no value; write one, or leave the key out"],
    ),
    "name-null": (
        _method("{type: action, name: , provider: {type: process, path: ls}}"),
        ["4:26: name: has no value; write one, or leave the key out"],
    ),
    "no-undo-null": (
        _HEAD + "method: []\nextensions: [{name: gameday, no-undo: }]\n",
        ["4:39: no-undo: has no value; write one, or leave the key out"],
    ),
    "method-a-mapping": (
        _HEAD + "method: {type: action}\n",
        ["3:9: method: a mapping stands where a list is meant; write `- item` lines, or [item, item]"],
    ),
    "unknown-key": (
        _HEAD + "method: []\nrollback: []\n",
        ["4:1: unknown key 'rollback'; did you mean 'rollbacks'?"],
    ),
    "steady-state-misspelt": (
        _HEAD + "steady_state_hypothesis: {title: h}\nmethod: []\n",
        ["3:1: unknown key 'steady_state_hypothesis'; did you mean 'steady-state-hypothesis'?"],
    ),
    "activity-key": (
        _method("{type: action, name: a, pause: {after: 1}, provider: {type: process, path: ls}}"),
        ["4:29: unknown key 'pause'; did you mean 'pauses'?"],
    ),
    "activity-without-name": (
        _method("{type: action, provider: {type: process, path: ls}}"),
        ["4:5: 'name' is missing"],
    ),
    "activity-without-type": (_method("{name: a, provider: {type: process, path: ls}}"), ["4:5: 'type' is missing"]),
    "activity-type": (
        _method("{type: acton, name: a, provider: {type: process, path: ls}}"),
        ["4:12: type: 'acton' is not possible here; did you mean 'action'?"],
    ),
    "activity-without-provider": (_method("{type: action, name: a}"), ["4:5: 'provider' is missing"]),
    "activity-not-a-mapping": (
        _method("kill it"),
        ["4:5: method: 'kill it' stands where a mapping is meant; write `key: value` lines"],
    ),
    "name-of-several-lines": (
        _method('{type: action, name: "a\\nb", provider: {type: process, path: ls}}'),
        ["4:26: name: runs over several lines; a name is one line"],
    ),
    "name-with-escape": (
        _method('{type: action, name: "a\\eb", provider: {type: process, path: ls}}'),
        ["4:26: holds the invisible character U+001B; remove it"],
    ),
    "pause-negative": (
        _method("{type: action, name: a, pauses: {after: -3}, provider: {type: process, path: ls}}"),
        ["4:45: after: -3 is negative; seconds are not below 0"],
    ),
    "pause-a-duration": (
        _method("{type: action, name: a, pauses: {before: 3s}, provider: {type: process, path: ls}}"),
        ["4:46: before: '3s' is not a number; Chaos Toolkit takes seconds, such as 2.5"],
    ),
    "pause-nan": (
        _method("{type: action, name: a, pauses: {after: .nan}, provider: {type: process, path: ls}}"),
        ["4:45: .nan is not a finite number; write a number, or quote it if text is meant"],
    ),
    "background-a-word": (
        _method("{type: action, name: a, background: sure, provider: {type: process, path: ls}}"),
        ["4:41: background: 'sure' is not true or false; write true or false"],
    ),
    "background-yes": (
        _method("{type: action, name: a, background: yes, provider: {type: process, path: ls}}"),
        ["4:41: background: 'yes' is text in Gameday's files; write true or false"],
    ),
    "argument-yes": (
        _provider("type: python, module: m, func: f, arguments: {enabled: yes}"),
        ['4:95: yes unquoted is true to other tools; write "yes"'],
    ),
    "provider-type": (
        _provider("type: shell, path: ls"),
        ["4:46: type: 'shell' is not possible here; one of: python, process, http"],
    ),
    "provider-without-type": (_provider("path: ls"), ["4:39: 'type' is missing; one of: python, process, http"]),
    "provider-key": (
        _provider("type: process, path: ls, argument: [x]"),
        ["4:65: unknown key 'argument'; did you mean 'arguments'?"],
    ),
    "process-without-path": (_provider("type: process"), ["4:39: 'path' is missing"]),
    "process-arguments": (
        _provider("type: process, path: ls, arguments: [[x]]"),
        ["4:76: an argument is a mapping or a list; each argument is one word"],
    ),
    "process-argument-too-long": (
        _provider(f"type: process, path: ls, arguments: [{'x' * 131_072}]"),
        [
            "4:76: a word of 131,072 bytes; a process takes at most 131,071; "
            "put it into a file, and give the command its name"
        ],
    ),
    "process-arguments-too-long": (
        _provider(f"type: process, path: ls, arguments: {'x' * 131_069}"),
        [
            "4:76: a word of 131,072 bytes; a process takes at most 131,071; "
            "put it into a file, and give the command its name"
        ],
    ),
    "python-without-func": (_provider("type: python, module: m"), ["4:39: 'func' is missing"]),
    "python-module": (
        _provider("type: python, module: my-module, func: f"),
        ["4:62: module: 'my-module' is not a name in Python; a dotted name, such as chaosk8s.pod.actions"],
    ),
    "python-arguments": (
        _provider("type: python, module: m, func: f, arguments: [1]"),
        ["4:85: arguments: a list stands where a mapping is meant; write `key: value` lines"],
    ),
    "http-without-url": (_provider("type: http"), ["4:39: 'url' is missing"]),
    "http-url": (
        _provider("type: http, url: localhost/x"),
        ["4:57: url: 'localhost/x' is not an address; it begins with http:// or https://"],
    ),
    "http-timeout-negative": (
        _provider('type: http, url: "http://h/", timeout: -1'),
        ["4:79: timeout: -1 is negative; seconds are not below 0"],
    ),
    "http-retries": (
        _provider('type: http, url: "http://h/", max_retries: many'),
        ["4:83: max_retries: 'many' is not a whole number from 0"],
    ),
    "action-in-hypothesis": (
        _hypothesis("{type: action, name: a, tolerance: 0, provider: {type: process, path: ls}}"),
        ["6:14: an action in the steady-state hypothesis; move it to the method; here only probes are possible"],
    ),
    "hypothesis-without-title": (
        _HEAD + f"steady-state-hypothesis:\n  probes: [{_PROBE}]\nmethod: []\n",
        ["4:3: 'title' is missing"],
    ),
    "hypothesis-without-tolerance": (
        _hypothesis("{type: probe, name: a, provider: {type: process, path: ls}}"),
        ["6:7: 'tolerance' is missing; it says which answer is the steady state"],
    ),
    "hypothesis-background": (
        _hypothesis("{type: probe, name: a, tolerance: 0, background: true, provider: {type: process, path: ls}}"),
        ["6:56: a probe of the hypothesis cannot run in the background; leave it out: a hypothesis waits"],
    ),
    "tolerance-float": (
        _hypothesis("{type: probe, name: a, tolerance: 0.5, provider: {type: process, path: ls}}"),
        ["6:41: tolerance: a tolerance is true, false, a whole number, a text, a list, or a mapping with type: range"],
    ),
    "tolerance-probe-without-arguments": (
        _hypothesis(
            "{type: probe, name: a, tolerance: {type: probe, name: b, provider: {type: process, path: 'true'}},"
            " provider: {type: process, path: ls}}"
        ),
        [
            "6:74: a tolerance's own probe needs its arguments as a mapping, to add 'value' to;"
            " arguments: {} when it takes nothing else"
        ],
    ),
    "tolerance-type": (
        _hypothesis(
            "{type: probe, name: a, tolerance: {type: rnge, range: [1, 2]}, provider: {type: process, path: ls}}"
        ),
        ["6:41: tolerance: a tolerance is true, false, a whole number"],
    ),
    "tolerance-range": (
        _hypothesis(
            "{type: probe, name: a, tolerance: {type: range, range: [1]}, provider: {type: process, path: ls}}"
        ),
        ["6:62: item 2 is missing"],
    ),
    "tolerance-regex": (
        _hypothesis(
            "{type: probe, name: a, tolerance: {type: regex, pattern: '['}, provider: {type: process, path: ls}}"
        ),
        ["6:64: pattern: '[' is not a regular expression"],
    ),
    "ref-unknown": (
        _HEAD + f"method:\n  - {_ACTION}\n  - ref: b\n",
        ["5:10: ref: 'b' is not possible here; one of: a"],
    ),
    "ref-a-number": (
        _HEAD + "method:\n  - ref: 1.10\n",
        ['4:10: ref: 1.10 would be read as the number 1.1; quote it: "1.10"'],
    ),
    "undefined-variable": (
        _HEAD + "configuration: {gateway: x}\nmethod:\n  - type: action\n    name: a\n"
        '    provider: {type: http, url: "${gatway}/x"}\n',
        ["7:33: nothing defines ${gatway}; did you mean 'gateway'?"],
    ),
    "target-in-an-experiment": (
        _HEAD + 'method:\n  - type: action\n    name: a\n    provider: {type: http, url: "${target.proxy}/x"}\n',
        ["6:33: nothing defines ${target.proxy}; put {type: env, key: TARGET_PROXY} under configuration"],
    ),
    "undefined-in-rollback": (
        _HEAD
        + 'method: []\nrollbacks:\n  - type: action\n    name: a\n    provider: {type: process, path: "${tool}"}\n',
        ["7:37: nothing defines ${tool}; put it under configuration; for a variable of the shell write $NAME"],
    ),
    "configuration-type": (
        _HEAD + "configuration: {x: {type: environment, key: HOME}}\nmethod: []\n",
        ["3:27: configuration does not come from 'environment'; one of: env, probe"],
    ),
    "configuration-without-key": (
        _HEAD + "configuration: {x: {type: env, name: HOME}}\nmethod: []\n",
        ["3:20: 'key' is missing", "3:32: unknown key 'name'; known here: type, key, default, env_var_type"],
    ),
    "configuration-env-type": (
        _HEAD + "configuration: {x: {type: env, key: N, env_var_type: integr}}\nmethod: []\n",
        ["3:54: env_var_type: 'integr' is not possible here; did you mean 'integer'?"],
    ),
    "configuration-a-list": (
        _HEAD + "configuration: [x]\nmethod: []\n",
        ["3:16: configuration: a list stands where a mapping is meant"],
    ),
    "secrets-without-group": (
        _HEAD + "secrets: {token: {type: env, key: T}}\nmethod: []\n",
        ["3:18: token: is not a group of secrets; secrets stand in groups"],
    ),
    "secrets-type": (
        _HEAD + "secrets: {shop: {token: {type: vualt, path: x}}}\nmethod: []\n",
        ["3:32: type: 'vualt' is not possible here; did you mean 'vault'?"],
    ),
    "control-scope": (
        _HEAD + "controls: [{name: c, scope: befor, provider: {type: python, module: m}}]\nmethod: []\n",
        ["3:29: scope: 'befor' is not possible here; did you mean 'before'?"],
    ),
    "control-without-provider": (_HEAD + "controls: [{name: c}]\nmethod: []\n", ["3:12: 'provider' is missing"]),
    "default-of-no-such-type": (
        _HEAD + "configuration: {x: {type: env, key: N, env_var_type: int, default: many}}\nmethod: []\n",
        ["3:68: default: 'many' is no value of the type int"],
    ),
    "configuration-env-default-endless": (
        "title: t\ndescription: d\nconfiguration: {a: {type: env, key: A, env_var_type: float, default: 'inf'}}\nmethod: []\n",
        ["3:70: default: 'inf' is no value of the type float"],
    ),
    "strategy": (
        _HEAD + "method: []\nruntime: {hypothesis: {strategy: continuous}}\n",
        ["4:34: strategy: 'continuous' is not possible here; did you mean 'continuously'?"],
    ),
    "rollback-strategy": (
        _HEAD + "method: []\nruntime: {rollbacks: {strategy: allways}}\n",
        ["4:33: strategy: 'allways' is not possible here; did you mean 'always'?"],
    ),
    "extension-key": (
        _HEAD + "method: []\nextensions:\n  - name: gameday\n    undone_when: []\n",
        ["6:5: unknown key 'undone_when'; did you mean 'undone-when'?"],
    ),
    "extension-deadline": (
        _HEAD + "method: []\nextensions:\n  - name: gameday\n    undo-deadline: 2h\n",
        ["6:20: undo-deadline: '2h' is too large; it is at most 3600"],
    ),
    "extension-without-name": (_HEAD + "method: []\nextensions: [{x: 1}]\n", ["4:14: 'name' is missing"]),
    "extension-twice": (
        _HEAD + "method: []\nextensions: [{name: gameday}, {name: gameday}]\n",
        ["4:31: a second extension named gameday; put everything into one"],
    ),
    "tags-empty": (_HEAD + 'method: []\ntags: [""]\n', ["4:8: tags: is empty"]),
    "python-tag": (
        _HEAD + "method: !!python/object/apply:os.system []\n",
        ["3:9: the tag '!!python/object/apply:os.system' is not allowed; write the value itself"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_bad_experiment_is_explained_at_its_place(name: str) -> None:
    text, expected = CASES[name]
    experiment, notes = read_experiment(parse(text.encode(), "e.yaml"))
    said = [str(problem) for problem in notes.problems()]
    assert len(said) == len(expected), said
    for line, start in zip(said, expected, strict=True):
        assert line.startswith(f"e.yaml:{start}"), said
    assert experiment is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"title": "t",\n "title": "u", "description": "d", "method": []}', "the key 'title' stands here twice"),
        ('{"title": "t",\n "description": NaN}', "NaN is not a finite number"),
        ('{"title": "t",\n "description": 1e999}', "1e999 is not a finite number"),
        ('{"title": "t",\n "description": "d"', "e.json:2:20: is not JSON"),
        ("[" * 100_000, "nests too deep"),
        ('{"title": "t", "description": "d",\n "methd": []}', "e.json:2:2: unknown key 'methd'"),
    ],
)
def test_a_bad_json_experiment_is_explained(text: str, said: str) -> None:
    experiment, notes = read_experiment(parse(text.encode(), "e.json", as_json=True))
    assert experiment is None
    assert any(said in str(problem) for problem in notes.problems()), notes.problems()


def _read(text: str) -> tuple[int, int, bool]:
    """Its actions, its rollbacks, and whether it says why it needs none."""
    experiment, notes = read_experiment(parse(text.encode(), "e.yaml"))
    assert notes.problems() == []
    assert experiment is not None
    return experiment.actions, experiment.rollbacks, experiment.extension.no_undo is not None


def test_actions_and_rollbacks_are_counted() -> None:
    assert _read(f"{_HEAD}method: [{_ACTION}]\n") == (1, 0, False)


def test_a_fault_repeated_by_reference_counts() -> None:
    assert _read(f"{_HEAD}method: [{_ACTION}, {{ref: a}}]\n") == (2, 0, False)


def test_a_probe_is_no_action() -> None:
    assert _read(f"{_HEAD}method: [{_PROBE}, {{ref: p}}]\n") == (0, 0, False)


def test_rollbacks_and_the_reason_for_none_are_read() -> None:
    assert _read(f"{_HEAD}method: [{_ACTION}]\nrollbacks: [{_ACTION}]\n") == (1, 1, False)
    reason = "extensions: [{name: gameday, no-undo: It heals.}]"
    assert _read(f"{_HEAD}method: [{_ACTION}]\n{reason}\n") == (1, 0, True)


def test_shell_variables_of_the_target_are_no_placeholders() -> None:
    command = (
        "{type: action, name: a, provider: {type: process, path: sh, arguments: '-c \"echo ${TARGET_URL} $HOME\"'}}"
    )
    assert _read(f"{_HEAD}method:\n  - {command}\n") == (1, 0, False)
