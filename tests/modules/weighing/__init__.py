"""A package of a project, whose models take all of it along."""
