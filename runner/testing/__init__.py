"""Test your drills without a process and without waiting.

`Drive` plays the engine alone, on a clock that the test moves by hand:

    drive = Drive(plan).start()          # armed, steady, live
    drive.say(RunCommand()).wait(5)
    assert drive.state.current == "fail-over"

`fake_run` plays a run up to its debrief with its real loop and handlers, on fakes of everything outside (`FakePorts`) and
in virtual time, so that a minute of the run takes milliseconds:

    async def scenario() -> None:
        ports = FakePorts(outcomes={"./fail-over.sh": CommandOutcome(exit_code=3)})
        async with fake_run(plan, tmp_path, ports=ports) as run:
            run.begin(attended=False)
            assert (await run.until_seen(CommandEnded)).exit_code == 3
            ports.load.health["GET /checkout"] = 10          # from now on every request fails
            await run.until_phase("debrief")

    run_in_virtual_time(scenario())

`drill_plan` makes the plan of a drill's files, and `load_script` reads an operator's answers. docs/testing.md shows all of it.
"""

from runner.specs.operator_script import load_script
from runner.testing.clock import ManualClock, stamp_at
from runner.testing.drive import Drive, action_request, bucket, healthy, sample_plan
from runner.testing.fake_command import CommandOutcome, FakeCommand
from runner.testing.fake_injector import ExperimentLife, FakeAction, FakeInjector
from runner.testing.fake_load import FakeLoad, window
from runner.testing.fake_prober import FakeProber, ProbeAnswer, asked_of
from runner.testing.fake_run import Answers, FakeRun, MemoryTranscript, fake_run
from runner.testing.fake_target import FakeTarget
from runner.testing.fake_undo import FakeSleepInhibitor, FakeUndo
from runner.testing.fakes import FakePorts
from runner.testing.plans import drill_plan
from runner.testing.virtual_time import VirtualClock, VirtualTimeLoop, run_in_virtual_time

__all__ = [
    "Answers",
    "CommandOutcome",
    "Drive",
    "ExperimentLife",
    "FakeAction",
    "FakeCommand",
    "FakeInjector",
    "FakeLoad",
    "FakePorts",
    "FakeProber",
    "FakeRun",
    "FakeSleepInhibitor",
    "FakeTarget",
    "FakeUndo",
    "ManualClock",
    "MemoryTranscript",
    "ProbeAnswer",
    "VirtualClock",
    "VirtualTimeLoop",
    "action_request",
    "asked_of",
    "bucket",
    "drill_plan",
    "fake_run",
    "healthy",
    "load_script",
    "run_in_virtual_time",
    "sample_plan",
    "stamp_at",
    "window",
]
