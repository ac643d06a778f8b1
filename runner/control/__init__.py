"""The socket of a run: where it is, who may say what, both of its ends."""
