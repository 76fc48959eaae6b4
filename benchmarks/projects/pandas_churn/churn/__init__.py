"""Six pandas functions as a newcomer would write them, for the benchmarks."""
