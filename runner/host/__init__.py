"""What this machine knows of runs: the state folder, the registry, target locks, the halt file."""
