"""blogsvc beside its peers, as the table grows, and from a cold start: `python -m benchmarks`."""
