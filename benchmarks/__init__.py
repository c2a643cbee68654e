"""What Homeport's calls cost beside code written by hand and beside other libraries: `python -m benchmarks --help`."""
