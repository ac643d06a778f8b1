"""Undoing faults: the log, the worker and its process, fencing, recovery, the end of a run that broke off."""
