"""The six functions as the script that a newcomer would write: files between the steps.

python plain.py csv FOLDER [--rows 100000] [--until split]
"""

import argparse
import json
import pickle
from pathlib import Path

import pandas as pd
from churn import functions as step


def main(form: str, folder: Path, rows: int, until: str) -> None:
    """Run the job and leave every step's result in *folder*."""

    def keep(name: str, data: pd.DataFrame) -> pd.DataFrame:
        file = folder / f"{name}.{form}"
        if form == "csv":
            data.to_csv(file, index=False)
            return pd.read_csv(file)
        data.to_parquet(file, index=False)
        return pd.read_parquet(file)

    folder.mkdir(parents=True, exist_ok=True)
    raw = keep("raw", step.generate(rows))
    clean = keep("clean", step.preprocess(raw))
    features = keep("features", step.engineer(clean))
    train, test = (
        keep(name, part) for name, part in zip(("train", "test"), step.split(features), strict=True)
    )
    if until == "split":
        return
    model = step.fit(train)
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    model = pickle.loads((folder / "model.pkl").read_bytes())
    scores = step.evaluate(model, test)
    (folder / "scores.json").write_text(json.dumps(scores))
    print(json.dumps(scores))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("form", choices=("csv", "parquet"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--until", choices=("split", "evaluate"), default="evaluate")
    given = parser.parse_args()
    main(given.form, given.folder, given.rows, given.until)
