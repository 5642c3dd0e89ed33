"""Rooms in other benchmarks: their tasks' side and their models' side, made of what stands on the shelves here.

One file a benchmark, which names what a user imports; foreign packages are imported when it is used.
"""
