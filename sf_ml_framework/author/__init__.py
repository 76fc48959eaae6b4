"""The words an author writes: nodes, datasets, a project."""
