"""The six steps of the churn pipeline."""
