"""What is the churn project's own: its datasets and its pipeline."""
