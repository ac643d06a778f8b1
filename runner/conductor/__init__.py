"""The processes of a run: guardian, conductor, undo worker; and the wiring from decisions to acts."""
