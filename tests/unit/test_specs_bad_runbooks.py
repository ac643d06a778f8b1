"""Runbooks that are wrong: each with the place and the words a person is given."""

from __future__ import annotations

import pytest

from runner.specs.runbook_checks import read_runbook
from runner.specs.yaml import parse

_HEAD = "name: Restart a worker\nsteps:\n"


def _asks(more: str) -> str:
    return _HEAD + f"  - name: a\n    ask: [{{name: region, prompt: Which?, {more}}}]\n"


def _reads(output: str) -> str:
    return _HEAD + f"  - name: a\n    run: ls\n    output: {{{output}}}\n"


# What stands in the file, and every line of what `gameday check` says about it (the file's name left out).
CASES: dict[str, tuple[str, list[str]]] = {
    "empty": ("", ["1:1: is empty"]),
    "only-a-comment": ("# soon\n", ["1:1: is empty"]),
    "a-list": ("- name: x\n", ["1:1: a list stands where a mapping is meant; write `key: value` lines"]),
    "no-steps": ("name: x\n", ["1:1: 'steps' is missing; a runbook has at least one step"]),
    "no-name": ("steps: [{name: a}]\n", ["1:1: 'name' is missing; give it a name"]),
    "steps-empty": ("name: x\nsteps: []\n", ["2:8: steps: is empty; at least 1"]),
    "steps-not-a-list": (
        "name: x\nsteps: {name: a}\n",
        ["2:8: steps: a mapping stands where a list is meant; write `- item` lines, or [item, item]"],
    ),
    "step-not-a-mapping": (
        _HEAD + "  - [Restart it]\n",
        ["3:5: steps: a list stands where a mapping is meant; write `key: value` lines"],
    ),
    "step-a-number": (_HEAD + "  - 12\n", ['3:5: name: 12 would be read as the number 12; quote it: "12"']),
    "step-a-truth-value": (_HEAD + "  - yes\n", ['3:5: yes unquoted is true to other tools; write "yes"']),
    "step-an-empty-word": (_HEAD + '  - ""\n', ["3:5: name: is empty; give it a few words"]),
    "step-nothing": (
        _HEAD + "  -\n",
        ["3:4: steps: nothing stands where a mapping is meant; write `key: value` lines"],
    ),
    "ask-choices-empty": (_asks("choices: []"), ["4:51: choices: is empty; at least 1"]),
    "ask-choice-twice": (_asks("choices: [eu, us, eu]"), ["4:60: 'eu' is there already; each choice is given once"]),
    "ask-choice-a-decimal": (
        _asks("choices: [1.10]"),
        ['4:52: choices: 1.10 would be read as the number 1.1; quote it: "1.10"'],
    ),
    "ask-default-no-choice": (
        _asks("choices: [eu, us], default: ue"),
        ["4:70: default: 'ue' is none of the choices; known here: eu, us"],
    ),
    "ask-default-unfit": (
        _asks('pattern: "[0-9]+", default: x'),
        ["4:70: default: 'x' cannot be the answer: it does not match [0-9]+; change one of the two"],
    ),
    "ask-default-empty": (
        _asks('default: ""'),
        ["4:51: default: is empty; leave it out: then an answer must be given"],
    ),
    "ask-pattern-broken": (
        _asks('pattern: "[0-9", default: x'),
        ["4:51: pattern: '[0-9' is not a regular expression: unterminated character set at position 0"],
    ),
    "ask-choices-and-pattern": (
        _asks("choices: [eu], pattern: e.*"),
        ["4:57: 'choices' and 'pattern' exclude each other; keep one: the choices are all the answers there are"],
    ),
    "ask-secret-with-default": (
        _asks("secret: true, default: x"),
        ["4:56: 'default' is not for secrets; everybody could read it in this file"],
    ),
    "ask-secret-with-choices": (
        _asks("secret: true, choices: [x]"),
        ["4:56: 'choices' is not for secrets; everybody could read it in this file"],
    ),
    "ask-twice": (
        _HEAD + "  - {name: a, ask: [{name: x, prompt: X}, {name: x, prompt: Y}]}\n",
        ["3:50: 'x' is asked already; each question has a name of its own"],
    ),
    "ask-a-variable-of-ours": (
        _HEAD + "  - {name: a, ask: [{name: TARGET_URL, prompt: X}]}\n",
        ["3:28: TARGET_URL would take the place of a variable that every command is given; give it another name"],
    ),
    "output-without-run": (
        _HEAD + "  - name: a\n    output: {x: $.x}\n",
        ["4:5: 'output' is for steps with 'run'; a person does this step"],
    ),
    "output-neither-path-nor-pattern": (
        _reads("x: version"),
        ["5:17: x: 'version' does not say where the value stands; a JSON path such as $.version, or a regular"],
    ),
    "output-a-placeholder": (_reads('x: "${version}"'), ["5:17: x: '${version}' does not say where the value stands"]),
    "output-path-broken": (_reads('x: "$.[["'), ["5:17: x: '$.[[' is not a JSON path: line 1:2 mismatched input"]),
    "output-pattern-broken": (_reads('x: "/(a/"'), ["5:17: x: '/(a/' is not a regular expression: missing )"]),
    "output-two-groups": (
        _reads('x: "/(a)(b)/"'),
        ["5:17: x: '/(a)(b)/' has 2 groups; the value is the only group; write the others (?:…)"],
    ),
    "output-a-variable-of-ours": (
        _reads("PATH: $.x"),
        ["5:14: PATH would take the place of a variable that every command is given; give it another name"],
    ),
    "output-named-like-a-question": (
        _asks("default: eu") + '  - {name: b, run: ls, output: {region: "$.x"}}\n',
        ["5:33: 'region' is the name of a question; give it another name"],
    ),
    "if-unknown-output": (
        _reads("version: $.x") + "  - name: b\n    if: outputs.verison == '2'\n",
        ["7:9: if: no step has the output 'verison'; did you mean 'version'?"],
    ),
    "if-answer-no-choice": (
        _asks("choices: [eu, us]") + "  - name: b\n    if: answers.region == 'uk'\n",
        ["6:9: if: answers.region is never 'uk'; "],
    ),
    "step-without-name": (_HEAD + "  - run: ls\n", ["3:5: 'name' is missing; give it a name"]),
    "name-without-value": ("name:\nsteps: [{name: a}]\n", ["1:6: name: has no value; write a text after the colon"]),
    "optional-without-value": (
        _HEAD + "  - name: a\n    target-time:\n",
        ["4:17: target-time: has no value; write one, or leave the key out"],
    ),
    "name-empty": ('name: ""\nsteps: [{name: a}]\n', ["1:7: name: is empty; give it a few words"]),
    "name-a-number": (
        "name: 1.10\nsteps: [{name: a}]\n",
        ['1:7: name: 1.10 would be read as the number 1.1; quote it: "1.10"'],
    ),
    "name-true": (
        "name: true\nsteps: [{name: a}]\n",
        ['1:7: name: true would be read as a truth value; quote it: "true"'],
    ),
    "name-on": ("name: on\nsteps: [{name: a}]\n", ['1:7: on unquoted is true to other tools; write "on"']),
    "name-a-time": (
        "name: 12:30\nsteps: [{name: a}]\n",
        ['1:7: 12:30 unquoted is the number 750 to other tools; write "12:30"'],
    ),
    "name-a-date": (
        "name: 2026-11-20\nsteps: [{name: a}]\n",
        ['1:7: 2026-11-20 unquoted is a date to other tools; write "2026-11-20"'],
    ),
    "name-of-two-lines": (
        "name: |\n  a\n  b\nsteps: [{name: a}]\n",
        ["1:7: name: runs over several lines; a name is one line; put the rest in the description"],
    ),
    "name-too-long": (
        f"name: {'x' * 201}\nsteps: [{{name: a}}]\n",
        ["1:7: name: is 201 characters long; at most 200; put the rest in the description"],
    ),
    "name-with-escape": (
        'name: "red \\e[31m"\nsteps: [{name: a}]\n',
        ["1:7: holds the invisible character U+001B; remove it"],
    ),
    "name-right-to-left": (
        "name: abc\u202edef\nsteps: [{name: a}]\n",
        ["1:10: holds the invisible character U+202E (right-to-left override); remove it"],
    ),
    "unknown-key": (
        "name: x\nowners: me\nsteps: [{name: a}]\n",
        ["2:1: unknown key 'owners'; did you mean 'owner'?"],
    ),
    "unknown-step-key": (
        _HEAD + "  - name: a\n    target_time: 60s\n",
        ["4:5: unknown key 'target_time'; did you mean 'target-time'?"],
    ),
    "unknown-key-far-from-all": (
        _HEAD + "  - name: a\n    run: ls\n    retry: {max: 1, zzz: 2}\n",
        ["5:21: unknown key 'zzz'; known here: max, delay"],
    ),
    "key-twice": (_HEAD + "  - name: a\n    name: b\n", ["4:5: the key 'name' stands here twice; keep one of the two"]),
    "duration-words": (
        _HEAD + "  - name: a\n    target-time: a minute\n",
        [
            "4:18: target-time: 'a minute' is not a duration; write it like 90s, 5m, 1h30m or 500ms; "
            "a bare number is seconds"
        ],
    ),
    "duration-as-a-clock": (
        _HEAD + "  - name: a\n    target-time: 12:30\n",
        [
            "4:18: target-time: '12:30' is not a duration; write it like 90s, 5m, 1h30m or 500ms; "
            "a bare number is seconds"
        ],
    ),
    "duration-negative": (
        _HEAD + "  - name: a\n    run: ls\n    timeout: -5\n",
        [
            "5:14: timeout: -5 is not a duration: it cannot be negative; "
            "write it like 90s, 5m, 1h30m or 500ms; a bare number is seconds"
        ],
    ),
    "duration-zero": (
        _HEAD + "  - name: a\n    run: ls\n    timeout: 0\n",
        ["5:14: timeout: 0 is too small; it is more than 0"],
    ),
    "duration-infinite": (
        _HEAD + "  - name: a\n    run: ls\n    timeout: .inf\n",
        ["5:14: .inf is not a finite number; write a number, or quote it if text is meant"],
    ),
    "flag-on": (
        _HEAD + "  - name: a\n    critical: on\n",
        ["4:15: critical: 'on' is text in Gameday's files; write true or false"],
    ),
    "flag-quoted": (
        _HEAD + '  - name: a\n    critical: "true"\n',
        ["4:15: critical: 'true' is not true or false; write true or false"],
    ),
    "count-in-words": (
        _HEAD + "  - name: a\n    run: ls\n    retry: {max: two}\n",
        ["5:18: max: 'two' is not a whole number"],
    ),
    "count-too-large": (
        _HEAD + "  - name: a\n    run: ls\n    retry: {max: 101}\n",
        ["5:18: max: 101 is too large; it is at most 100"],
    ),
    "env-value-a-number": (
        _HEAD + "  - name: a\n    run: ls\n    env: {VERSION: 1.10}\n",
        ['5:20: VERSION: 1.10 would be read as the number 1.1; quote it: "1.10"'],
    ),
    "env-value-octal": (
        _HEAD + "  - name: a\n    run: ls\n    env: {MODE: 0644}\n",
        ['5:17: 0644 unquoted is the number 420 to other tools; write "0644"'],
    ),
    "env-name": (
        _HEAD + "  - name: a\n    run: ls\n    env: {my-name: x}\n",
        [
            "5:20: my-name: 'my-name' cannot be the name of a variable; letters, digits and '_', not beginning with a digit"
        ],
    ),
    "id-with-spaces": (
        _HEAD + "  - id: fail over\n    name: a\n",
        ["3:9: id: 'fail over' is not an id; letters, digits, '-' and '_', such as 'fail-over'"],
    ),
    "id-twice": (
        _HEAD + "  - {id: a, name: one}\n  - {id: a, name: two}\n",
        ["4:10: the id 'a' is taken; it is the step's of line 3"],
    ),
    "milestone-unknown": (
        _HEAD + "  - name: a\n    milestone: mitigate\n",
        ["4:16: milestone: 'mitigate' is not possible here; did you mean 'mitigated'?"],
    ),
    "milestone-far": (
        _HEAD + "  - name: a\n    milestone: zzz\n",
        ["4:16: milestone: 'zzz' is not possible here; one of: detected, acknowledged, mitigated, resolved"],
    ),
    "choose-unknown-step": (
        _HEAD + "  - name: a\n    choose: {errors: fail-ovr}\n  - {id: fail-over, name: b}\n",
        ["4:22: there is no step 'fail-ovr'; did you mean 'fail-over'?"],
    ),
    "choose-yes-unquoted": (
        _HEAD + "  - name: a\n    choose: {yes: b}\n  - name: b\n",
        ['4:14: yes unquoted is true to other tools; write "yes"'],
    ),
    "choose-and-run": (
        _HEAD + "  - name: a\n    run: ls\n    choose: {x: a}\n",
        ["5:5: 'choose' and 'run' exclude each other; a step decides or runs a command; make two steps of it"],
    ),
    "choose-nothing": (
        _HEAD + "  - name: a\n    choose: {}\n",
        ["4:13: the id of a step is meant here; steps: a"],
    ),
    "go-to-unknown": (
        _HEAD + "  - name: a\n    run: ls\n    on-failure: {go-to: nowhere}\n",
        ["5:25: there is no step 'nowhere'; steps: a"],
    ),
    "go-to-anytime": (
        _HEAD + "  - name: a\n    on-failure: {go-to: b}\n  - {name: b, anytime: true}\n",
        ["4:25: the step 'b' is an anytime step; go to a step of the sequence"],
    ),
    "on-failure-unknown": (
        _HEAD + "  - name: a\n    on-failure: retry\n",
        ["4:17: on-failure: 'retry' is not something to do next; one of: ask, stop, continue, {go-to: ID}"],
    ),
    "on-failure-a-list": (
        _HEAD + "  - name: a\n    on-failure: [stop]\n",
        ["4:17: on-failure: this is not something to do next; one of: ask, stop, continue, {go-to: ID}"],
    ),
    "approve-without-by": (_HEAD + "  - name: a\n    approve: {}\n", ["4:14: 'by' is missing"]),
    "approve-anytime": (
        _HEAD + "  - name: a\n  - name: b\n    anytime: true\n    approve: {by: lead}\n",
        [
            "6:5: 'approve' is not for anytime steps; "
            "an anytime step stands outside the sequence: a person does it, or not"
        ],
    ),
    "all-anytime": (
        _HEAD + "  - name: a\n    anytime: true\n",
        ["3:3: every step is an anytime step; at least one belongs to the sequence"],
    ),
    "every-without-anytime": (
        _HEAD + "  - name: a\n    every: 5m\n",
        ["4:5: 'every' is for anytime steps; add `anytime: true`"],
    ),
    "timeout-without-run": (
        _HEAD + "  - name: a\n    timeout: 5s\n",
        ["4:5: 'timeout' is for steps with 'run'; a person does this step"],
    ),
    "run-empty": (
        _HEAD + "  - name: a\n    run:\n",
        ["4:9: run: is empty; write a command, or leave it out for a step that a person does"],
    ),
    "run-a-list": (
        _HEAD + "  - name: a\n    run: [ls, -l]\n",
        ["4:10: run: a list stands where a text is meant; quote it if it is one"],
    ),
    "unattended-automated": (
        _HEAD + "  - name: a\n    run: ls\n    unattended: skip\n",
        ["5:5: 'unattended' is for steps that a person does; a step with 'run' runs without people too"],
    ),
    "unattended-verify-without": (
        _HEAD + "  - name: a\n    unattended: verify\n",
        ["4:17: unattended: there is no 'verify' to go by; add one, or choose skip, done or fail"],
    ),
    "verify-nothing": (
        _HEAD + "  - name: a\n    verify: {within: 5s}\n",
        ["4:13: nothing is verified; name an indicator, give a provider and a tolerance, or write `impact: true`"],
    ),
    "verify-no-impact": (
        _HEAD + "  - name: a\n    verify: {impact: false}\n",
        ["4:13: nothing is verified; name an indicator, give a provider and a tolerance, or write `impact: true`"],
    ),
    "verify-impact-and-indicator": (
        _HEAD + "  - name: a\n    verify: {impact: true, indicator: x}\n",
        ["4:14: 'indicator' and 'impact' exclude each other; keep one"],
    ),
    "verify-impact-for": (
        _HEAD + "  - name: a\n    verify: {impact: true, for: 2s, every: 1s}\n",
        [
            "4:28: 'for' is for an indicator; an impact is there as soon as it is measured",
            "4:37: 'every' is for a probe; the drill's indicators say what an impact is",
        ],
    ),
    "verify-impact-a-word": (
        _HEAD + "  - name: a\n    verify: {impact: yes}\n",
        ["4:22: impact: 'yes' is text in Gameday's files; write true or false"],
    ),
    "verify-both": (
        _HEAD + "  - name: a\n    verify: {indicator: x, provider: {type: tcp, host: h, port: 1}}\n",
        ["4:28: 'indicator' and 'provider' exclude each other; keep one"],
    ),
    "verify-without-tolerance": (
        _HEAD + '  - name: a\n    verify: {provider: {type: http, url: "http://h/"}}\n',
        ["4:13: 'tolerance' is missing; it says which answer is right"],
    ),
    "verify-provider-type": (
        _HEAD + '  - name: a\n    verify: {provider: {type: htp, url: "http://h/"}, tolerance: 200}\n',
        ["4:24: provider: 'htp' is not a known type; did you mean 'http'?"],
    ),
    "verify-provider-key": (
        _HEAD + '  - name: a\n    verify: {provider: {type: http, uri: "http://h/"}, tolerance: 200}\n',
        ["4:24: 'url' is missing", "4:37: unknown key 'uri'; did you mean 'url'?"],
    ),
    "verify-jsonpath": (
        _HEAD
        + '  - name: a\n    verify: {provider: {type: http, url: "http://h/"}, tolerance: {type: jsonpath, path: "$.["}}\n',
        ["4:90: path: '$.[' is not a JSON path"],
    ),
    "link-not-an-address": (
        "name: x\nlinks: [{name: page, url: example.com}]\nsteps: [{name: a}]\n",
        ["2:27: url: 'example.com' is not an address; it begins with http:// or https://"],
    ),
    "link-with-a-space": (
        'name: x\nlinks: [{name: page, url: "http://a b"}]\nsteps: [{name: a}]\n',
        ["2:27: url: 'http://a b' is not an address; it holds neither spaces nor tabs nor line ends"],
    ),
    "link-with-a-tab": (
        'name: x\nlinks: [{name: page, url: "http://a\\tb"}]\nsteps: [{name: a}]\n',
        ["2:27: url: 'http://a\\tb' is not an address; it holds neither spaces nor tabs nor line ends"],
    ),
    "if-not-a-condition": (
        _HEAD + "  - name: a\n  - name: b\n    if: steps.a.outcome = 'failed'\n",
        ["5:9: if: '=' is not a comparison; write '==' (column 17); write it like steps.what-is-it.choice == 'errors'"],
    ),
    "if-unknown-step": (
        _HEAD + "  - name: ask\n  - name: b\n    if: steps.aks.outcome == 'failed'\n",
        ["5:9: if: there is no step 'aks'; did you mean 'ask'?"],
    ),
    "if-unknown-outcome": (
        _HEAD + "  - name: a\n  - name: b\n    if: steps.a.outcome == 'faild'\n",
        ["5:9: if: steps.a.outcome is never 'faild'; did you mean 'failed'?"],
    ),
    "if-unknown-label": (
        _HEAD + "  - {name: a, choose: {errors: b}}\n  - name: b\n    if: steps.a.choice == 'errrs'\n",
        ["5:9: if: steps.a.choice is never 'errrs'; did you mean 'errors'?"],
    ),
    "if-choice-of-no-decision": (
        _HEAD + "  - name: a\n  - name: b\n    if: steps.a.choice == 'x'\n",
        ["5:9: if: the step 'a' chooses nothing; give it `choose`, or ask for its outcome"],
    ),
    "if-unknown-answer": (
        _HEAD + "  - {name: a, ask: [{name: region, prompt: Where?}]}\n  - name: b\n    if: answers.regoin == 'eu'\n",
        ["5:9: if: nothing asks for 'regoin'; did you mean 'region'?"],
    ),
    "if-unknown-name": (
        _HEAD + "  - name: a\n    if: github.ref == 'main'\n",
        [
            "4:9: if: 'github.ref' stands for nothing; "
            "known: steps.ID.choice, steps.ID.outcome, answers.NAME, outputs.NAME"
        ],
    ),
    "several-at-once": (
        "name: 7\nownr: me\nsteps:\n  - name: a\n    critical: maybe\n    choose: {x: nowhere}\n",
        [
            '1:7: name: 7 would be read as the number 7; quote it: "7"',
            "2:1: unknown key 'ownr'; did you mean 'owner'?",
            "5:15: critical: 'maybe' is not true or false; write true or false",
            "6:17: there is no step 'nowhere'; steps: a",
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_bad_runbook_is_explained_at_its_place(name: str) -> None:
    text, expected = CASES[name]
    runbook, notes = read_runbook(parse(text.encode(), "r.yaml"))
    said = [str(problem) for problem in notes.problems()]
    assert len(said) == len(expected), said
    for line, start in zip(said, expected, strict=True):
        assert line.startswith(f"r.yaml:{start}"), said
    assert runbook is None


def test_the_smallest_runbook_is_enough() -> None:
    text = "name: x\nsteps:\n  - name: Is the queue growing?\n  - name: Watch it drain\n  - name: Watch it drain\n  - name: …\n"
    runbook, notes = read_runbook(parse(text.encode(), "r.yaml"))
    assert notes.problems() == []
    assert runbook is not None
    assert [step.id for step in runbook.steps] == [
        "is-the-queue-growing",
        "watch-it-drain",
        "watch-it-drain-2",
        "step-4",
    ]


def test_a_made_id_keeps_clear_of_written_ones() -> None:
    runbook, _ = read_runbook(parse(b"name: x\nsteps: [{name: Look}, {id: look, name: Again}]\n", "r.yaml"))
    assert runbook is not None
    assert [step.id for step in runbook.steps] == ["look-2", "look"]


def test_env_values_that_mean_one_thing_are_taken() -> None:
    text = "name: x\nsteps: [{name: a, run: ls, env: {PORT: 8080, DEBUG: true, NAME: on-call}}]\n"
    runbook, notes = read_runbook(parse(text.encode(), "r.yaml"))
    assert notes.problems() == []
    assert runbook is not None
    assert runbook.steps[0].env == {"PORT": "8080", "DEBUG": "true", "NAME": "on-call"}


def test_a_step_may_be_just_its_name() -> None:
    text = b"name: x\nsteps:\n  - Look around\n  - {name: Fix it, run: ls}\n  - Look around\n"
    runbook, notes = read_runbook(parse(text, "r.yaml"))
    assert notes.problems() == []
    assert runbook is not None
    assert [(step.id, step.name, step.run) for step in runbook.steps] == [
        ("look-around", "Look around", ""),
        ("fix-it", "Fix it", "ls"),
        ("look-around-2", "Look around", ""),
    ]


def test_choices_and_a_default_are_taken_as_they_are_written() -> None:
    text = _asks("choices: [eu, 3, true], default: 3").encode()
    runbook, notes = read_runbook(parse(text, "r.yaml"))
    assert notes.problems() == []
    assert runbook is not None
    question = runbook.steps[0].ask[0]
    assert (question.choices, question.default) == (("eu", "3", "true"), "3")
