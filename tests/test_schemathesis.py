"""The OpenAPI document keeps its word: Schemathesis asks what it allows, and much that it does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tailored.service.keys import new_key
from tests.support.serving import Served

KEY, STORED = new_key()


@pytest.mark.parametrize(
    "is_locked, examples",
    [
        (True, 3),
        pytest.param(True, 300, marks=pytest.mark.long),
        pytest.param(False, 300, marks=pytest.mark.long),
    ],
)
def test_all_checks_pass(is_locked, examples, tmp_path):
    settings = tmp_path / "service.yaml"
    settings.write_text(f"keys: {{all: {{hash: '{STORED}', scopes: [evaluate, explain, admin]}}}}\n")
    options = ["--config", str(settings)] if is_locked else []
    with Served("rules", options) as served:
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("st")),
                "run",
                f"{served.url}/openapi.json",
                "--checks=all",
                f"--max-examples={examples}",
                "--seed=20261124",
                "--no-color",
                *(["--header", f"Authorization: Bearer {KEY}"] if is_locked else []),
            ],
            cwd=tmp_path,
            env={**os.environ, "NO_PROXY": "*"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
        assert "Tested: 10" in done.stdout
        assert not [line for line in served.said if "Traceback" in line]
