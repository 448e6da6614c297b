"""Measurements of the whole site and of its parts: `make bench`, `make bench-faults`.

Each module is a script that prints a table and says whether its target was met; with `--keep` the table also becomes
`benchmarks/results/<name>.md`. They use real sites, real databases and a real Redis in temporary folders.
"""
