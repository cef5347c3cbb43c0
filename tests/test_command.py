"""A process of its own answers as the command does within the tests, which run it there to be quick."""

import pytest

from tests.support.command import run, tailored

BROKEN = "rules:\n  söm:\n    hide: [hero]\n    whne: always  # 😀\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate", "rules", "--strict"],
        ["validate", "broken"],
        ["validate", "broken", "--format", "json"],
        ["validate", "--stdin-path", "broken/b.yaml"],
        ["validate", "nowhere"],
        ["validate", "--frmat"],
        ["evaluate", "broken", "--user", "{}"],
        ["explain", "rules", "--user", "-", "--context", '{"page": "home"}', "--now", "2026-11-24"],
        ["test", "rules"],
        ["schema", "broken"],
        ["sing"],
        ["--version"],
    ],
    ids=" ".join,
)
def test_a_process_of_its_own_answers_alike(arguments, tmp_path):
    assert tailored("init", tmp_path / "rules").returncode == 0
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "b.yaml").write_text(BROKEN, encoding="utf-8")
    stdin = BROKEN if "--stdin-path" in arguments else '{"first_name": "Kåre"}'
    own = run(["tailored", *arguments], tmp_path, stdin)
    here = tailored(*arguments, cwd=tmp_path, stdin=stdin)
    assert (own.returncode, own.stdout, own.stderr) == (here.returncode, here.stdout, here.stderr)
    assert own.stdout or own.stderr
