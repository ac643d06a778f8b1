"""What reaches out of the tool: faults, load, commands and probes, one file each."""
