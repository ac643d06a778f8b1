"""What can happen in a run, in the past tense: the vocabulary of the transcript.

Events are frozen and JSON-plain, written by `runner.transcript`, and folded by whoever wants to know something: the
engine's state, the printer, the scorecard, the room. Times named `..._t` or ending in `t` are seconds of the run's
clock; the moment of the event itself is in its envelope, `Recorded`. A field added later has a default, so that old
transcripts still read; a kind is never renamed.

Whatever a module of this package defines is imported from here: a new event needs no second line.
"""

from runner.engine.events.event import *
from runner.engine.events.fault_events import *
from runner.engine.events.measurement_events import *
from runner.engine.events.people_events import *
from runner.engine.events.run_events import *
from runner.engine.events.step_events import *
from runner.engine.events.undo_events import *
