"""The pure centre: what a run is, what may happen next, and what it came to. Values in, values out."""
