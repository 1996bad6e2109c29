"""Benchmarks: figures beside floors measured in the same run. `python -m benchmarks` prints them all; nothing here is a test."""
