"""Whole runs: train, evaluate, compare. The Python face of the commands."""
