"""The features of a customer: each is described where it is computed, and nowhere else."""
