"""The room: a Textual screen on a run that goes on, that is over, or that needs no target. Only this package imports Textual."""
