"""Gameday: a chaos and runbook drill runner for the terminal."""

__version__ = "0.1.0"
