"""The customer-churn project."""
