"""Run a manifest: what to run, what to skip, and what is known afterwards."""
