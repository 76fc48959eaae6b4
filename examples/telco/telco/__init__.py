"""Churn of the customers in IBM's public Telco sample data, as a project of sf_ml_framework."""
