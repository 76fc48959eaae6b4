"""The features that a model takes, by name, with what each of them means."""

from __future__ import annotations

PLAIN: dict[str, str] = {
    "is_male": "Whether the customer is a man",
    "is_senior": "Whether the customer is 65 or older",
    "has_partner": "Whether the customer lives with a partner",
    "has_dependents": "Whether the customer lives with children, parents or others",
    "tenure_months": "Months since the customer joined",
    "has_phone": "Whether there is a telephone line",
    "has_multiple_lines": "Whether there is more than one telephone line",
    "has_dsl": "Whether the internet connection is DSL",
    "has_fiber": "Whether the internet connection is optical fibre",
    "has_online_security": "Whether online security is booked",
    "has_online_backup": "Whether online backup is booked",
    "has_device_protection": "Whether device protection is booked",
    "has_tech_support": "Whether technical support is booked",
    "has_streaming_tv": "Whether television is streamed over the connection",
    "has_streaming_movies": "Whether movies are streamed over the connection",
    "contract_months": "Term of the contract: 1, 12 or 24 months",
    "has_paperless_billing": "Whether the bill comes without paper",
    "pays_by_check": "Whether the customer pays by electronic check",
    "pays_by_mail": "Whether the customer pays by mailed check",
    "pays_by_card": "Whether a credit card is charged automatically",
    "monthly_charges": "The last monthly bill, in dollars",
    "total_charges": "All bills so far, in dollars; 0 for who has had none",
}
"""Features that restate a column of the cleaned customers, with their meaning."""

DERIVED: dict[str, str] = {
    "log_tenure": "ln(1 + tenure_months): the first months count most",
    "is_new": "Whether the customer joined at most 1 month ago",
    "is_in_first_quarter": "Whether the customer joined at most 3 months ago",
    "is_in_first_year": "Whether the customer joined at most 12 months ago",
    "is_monthly": "Whether the contract can be ended each month",
    "is_two_year": "Whether the contract runs for two years",
    "average_charges": "Total charges for each month of tenure; the monthly bill where it is 0",
    "charges_rise": "Monthly bill less the average one, in dollars",
    "add_ons": "How many of the six extras of the internet connection are booked",
    "safeguards": "How many of the four protecting extras are booked",
    "monthly_with_fiber": "Whether a contract ended any month meets optical fibre",
    "monthly_by_check": "Whether a contract ended any month is paid by electronic check",
    "monthly_log_tenure": "log_tenure of those on a monthly contract, 0 for others",
    "fiber_log_tenure": "log_tenure of those with optical fibre, 0 for others",
}
"""Features computed of several columns, with their meaning."""
