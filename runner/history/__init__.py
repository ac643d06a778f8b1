"""Over runs: what the run folders of a team say together."""
