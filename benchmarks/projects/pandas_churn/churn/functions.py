"""A churn job in plain pandas: the same functions run as a script and as a pipeline."""

import numpy as np
import pandas as pd
import xgboost as xgb
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

NUMBERS = ["age", "tenure_months", "monthly_spend", "sessions", "session_minutes", "tickets"]


def generate(rows: int = 100_000, seed: int = 42) -> pd.DataFrame:
    """Make one row per customer, with missing spends and a churn of about 12 %."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "customer_id": [f"C{number:08d}" for number in range(rows)],
            "age": rng.integers(18, 90, rows),
            "tenure_months": rng.integers(0, 120, rows),
            "monthly_spend": rng.gamma(3.0, 25.0, rows),
            "sessions": rng.poisson(12, rows),
            "session_minutes": rng.gamma(2.0, 11.0, rows),
            "tickets": rng.poisson(0.8, rows),
            "contract": rng.choice(["month", "one_year", "two_years"], rows, p=[0.6, 0.25, 0.15]),
            "channel": rng.choice(["web", "store", "partner"], rows),
        }
    )
    score = (
        -2.6
        - 0.02 * data.tenure_months
        + 0.5 * data.tickets
        - 0.05 * data.sessions
        + 0.9 * (data.contract == "month")
        + 0.006 * data.monthly_spend
    )
    data["churned"] = (rng.random(rows) < 1 / (1 + np.exp(-score))).astype(int)
    data.loc[rng.random(rows) < 0.03, "monthly_spend"] = np.nan
    return data


def preprocess(raw: pd.DataFrame) -> pd.DataFrame:
    """Fill what is missing, cap what is far out, flag three kinds of customers."""
    data = raw.copy()
    for column in NUMBERS:
        data[column] = data[column].fillna(data[column].median())
        data[column] = data[column].clip(upper=data[column].quantile(0.99))
    data["high_value"] = (data.monthly_spend > data.monthly_spend.quantile(0.8)).astype(int)
    data["new_customer"] = (data.tenure_months < 6).astype(int)
    data["low_engagement"] = (data.sessions < 5).astype(int)
    return data


def engineer(clean: pd.DataFrame) -> pd.DataFrame:
    """Add ratios, logarithms, squares, interactions, ranks and one-hot columns: 40 and more."""
    data = clean.copy()
    for column in NUMBERS:
        data[f"{column}_log"] = np.log1p(data[column])
        data[f"{column}_squared"] = data[column] ** 2
        data[f"{column}_z"] = (data[column] - data[column].mean()) / data[column].std()
    for first in range(len(NUMBERS)):
        for second in range(first + 1, len(NUMBERS)):
            left, right = NUMBERS[first], NUMBERS[second]
            data[f"{left}_per_{right}"] = data[left] / (data[right] + 1)
    for column in ("contract", "channel"):
        data = data.join(pd.get_dummies(data[column], prefix=column, dtype=int))
    data["risk"] = 2 * data.contract_month + data.low_engagement + data.new_customer
    return data.drop(columns=["contract", "channel"])


def split(features: pd.DataFrame, seed: int = 42) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return stratified training and test rows."""
    train, test = train_test_split(
        features, test_size=0.2, random_state=seed, stratify=features.churned
    )
    return train.reset_index(drop=True), test.reset_index(drop=True)


def fit(train: pd.DataFrame, seed: int = 42) -> xgb.XGBClassifier:
    """Fit one booster."""
    model = xgb.XGBClassifier(
        n_estimators=150, max_depth=5, learning_rate=0.1, n_jobs=2, random_state=seed
    )
    return model.fit(train.drop(columns=["customer_id", "churned"]), train.churned)


def evaluate(model: xgb.XGBClassifier, test: pd.DataFrame) -> dict:
    """Score the test rows."""
    scores = model.predict_proba(test.drop(columns=["customer_id", "churned"]))[:, 1]
    return {"auc": float(roc_auc_score(test.churned, scores)), "rows": len(test)}
