"""Tamis beside other filters on the same machine: `python -m benchmarks.peers`."""
