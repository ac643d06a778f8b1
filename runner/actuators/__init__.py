"""What acts on the world, one file each: chaos, load, step commands, probes. Outcomes are reported, never decided."""
