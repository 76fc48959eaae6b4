"""How the churn model is searched, judged, explained and drawn."""
