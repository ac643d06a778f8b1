"""The processes of a run from outside: launch, guardian, halt."""
