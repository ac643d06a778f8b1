"""The command line: parses, builds, calls, maps the exit code; nothing else."""
