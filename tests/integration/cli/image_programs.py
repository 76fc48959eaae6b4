"""Programs that know images: they only write down what they are told."""

import sys

DIGEST = "sha256:" + "ab" * 32
PROGRAM = f"""#!{sys.executable}
import json, sys
from pathlib import Path
said = sys.stdin.read() if "--password-stdin" in sys.argv else ""
with Path(__file__).with_name("told.jsonl").open("a") as file:
    file.write(json.dumps([sys.argv[1:], said]) + "\\n")
if "inspect" in sys.argv:
    print(json.dumps([{{"Size": 2048}}]))
elif sys.argv[1] == "push":
    print("latest: digest: {DIGEST} size: 1")
elif sys.argv[1] == "fails":
    sys.exit(4)
"""
SNOW = f"""#!{sys.executable}
import json, sys
print(json.dumps({{"token": "t0ken", "expires_in": 3600}}))
"""
