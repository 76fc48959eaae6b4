"""Use cases of a deployment; they speak to ports only."""
