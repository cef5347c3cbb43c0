"""The OpenAPI document keeps its word: Schemathesis asks what it allows, and much that it does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tailored.service.keys import new_key
from tests.support.serving import Served

KEY, STORED = new_key()
SECONDS = 120
"""What a long run takes: given a time, Schemathesis goes on until it is over."""


@pytest.mark.parametrize(
    "header, phases, examples, seconds",
    [
        (f"Authorization: Bearer {KEY}", "examples,coverage,fuzzing,stateful", 15, None),
        *(
            pytest.param(header, phases, examples, SECONDS, marks=pytest.mark.long)
            for header in (f"Authorization: Bearer {KEY}", f"X-API-Key: {KEY}", "")
            for phases, examples in (("examples,coverage", 1), ("fuzzing", 60), ("stateful", 30))
        ),
    ],
    ids=lambda value: str(value).partition(":")[0] or "open",
)
def test_all_checks_pass(header, phases, examples, seconds, tmp_path):
    settings = tmp_path / "service.yaml"
    settings.write_text(f"keys: {{all: {{hash: '{STORED}', scopes: [evaluate, explain, admin]}}}}\n")
    options = ["--config", str(settings)] if header else []
    plain = {name: value for name, value in os.environ.items() if name != "COVERAGE_PROCESS_CONFIG"}
    with Served("rules", options) as served:
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("st")),
                "run",
                f"{served.url}/openapi.json",
                "--checks=all",
                f"--phases={phases}",
                *([f"--max-time={seconds}"] if seconds else []),
                f"--max-examples={examples}",
                "--seed=20261124",
                "--no-color",
                *(["--header", header] if header else []),
            ],
            cwd=tmp_path,
            env={**plain, "NO_PROXY": "*"},  # its own code is not what is measured
            capture_output=True,
            text=True,
            timeout=SECONDS + 120,
        )
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
        assert "No issues found" in done.stdout
        assert "Tested: 10" in done.stdout or phases == "stateful"  # which counts scenarios
        assert not [line for line in served.said if "Traceback" in line]
