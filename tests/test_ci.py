"""`tailored ci`, the GitHub Action and the hooks of pre-commit, each run as its users do."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import junitparser
import pytest
import yaml

from tests.support.command import BIN, git, run, tailored
from tests.support.grown_ups import BOOK, TESTS

ROOT = Path(__file__).parents[1]


def repository(folder: Path) -> Path:
    """A repository with a book in `rules`, committed."""
    (folder / "rules").mkdir(parents=True)
    (folder / "rules" / "book.yaml").write_text(BOOK)
    (folder / "rules" / "tests.yaml").write_text(TESTS)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "A book")
    return folder


@pytest.fixture
def shop(tmp_path):
    return repository(tmp_path / "shop")


def ci(shop: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return tailored("ci", *arguments, cwd=shop, **{"GITHUB_STEP_SUMMARY": ""} | environment)


WITHOUT_PROOFS = ("--skip", "prove", "--skip", "diff")


def test_one_run_checks_everything_and_writes_one_summary(shop, tmp_path):
    summary = tmp_path / "summary.md"
    summary.write_text("What stood there\n")
    done = ci(shop, *WITHOUT_PROOFS, GITHUB_STEP_SUMMARY=str(summary))
    assert (done.returncode, done.stderr) == (0, "")
    assert "No problems in 2 files." in done.stdout
    assert "2 tests passed; they cover 100% (3 of 3)." in done.stdout
    assert summary.read_text().startswith("What stood there\n## ✅ Tailored: all is well\n")
    assert "| ✅ | test | 2 tests passed; they cover 100% (3 of 3). |" in summary.read_text()


def test_a_failing_test_fails_and_is_annotated_at_its_line(shop):
    (shop / "rules" / "tests.yaml").write_text(TESTS.replace("hero: plain", "hero: wine"))
    done = ci(shop / "rules", ".", *WITHOUT_PROOFS, "--format", "github")
    assert done.returncode == 1
    assert done.stdout.startswith(
        "::error file=rules/tests.yaml,line=3,endLine=3,col=51,endColumn=54,title=test-failed::"
    )


def test_a_run_that_would_check_nothing_is_refused(shop):
    done = ci(shop, *WITHOUT_PROOFS, "--skip", "test", "--skip", "validate")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "tailored: --skip leaves nothing to run; leave one of the checks in\n"


def test_the_text_ends_with_what_failed_and_what_to_do(shop):
    (shop / "rules" / "tests.yaml").write_text(TESTS.replace("hero: plain", "hero: wine"))
    done = ci(shop, *WITHOUT_PROOFS)
    assert done.returncode == 1
    assert done.stdout.partition("== all together ==\n\n")[2].splitlines() == [
        "  ok       validate  No problems in 2 files.",
        "  failed   test      1 of 2 tests failed; they cover 100% (3 of 3).",
        "  not run  prove     Not run, as it was asked to be skipped.",
        "  not run  diff      Not run, as it was asked to be skipped.",
        "",
        "test: 1 error at rules/tests.yaml:3:51. Mend it, and run `tailored test rules` again.",
        "Tailored: test did not pass.",
    ]
    (shop / "rules" / "tests.yaml").write_text(TESTS.partition("  no-wine")[0])
    told = ci(shop, *WITHOUT_PROOFS, "--min-coverage", "90").stdout.splitlines()[-2:]
    what = "test: The tests cover 66.6% (2 of 3), and 90% is the least. Mend it, and run"
    assert told[0] == f"{what} `tailored test rules --min-coverage 90` again."
    assert told[1] == "Tailored: test did not pass."
    (shop / "rules" / "tests.yaml").write_text(TESTS)
    assert ci(shop, *WITHOUT_PROOFS).stdout.endswith("\n\nTailored: all is well.\n")


def test_a_book_with_errors_fails_and_nothing_else_runs(shop):
    (shop / "rules" / "book.yaml").write_text(BOOK.replace("hero: wine", "hero: vine"))
    done = ci(shop, "--format", "json")
    data = json.loads(done.stdout)
    assert done.returncode == 1
    assert data["validate"]["errors"] == 1
    for check in ("test", "prove", "diff"):
        assert data[check] == {"not_run": "Not run, as the book has errors."}


def test_further_formats_go_to_files(shop):
    outputs = ["--output", "junit=report.xml", "--output", "sarif=report.sarif"]
    assert ci(shop, *WITHOUT_PROOFS, *outputs).returncode == 0
    suites = junitparser.JUnitXml.fromfile(str(shop / "report.xml"))
    assert [(suite.name, suite.tests) for suite in suites][:2] == [("validate", 2), ("test", 2)]
    assert json.loads((shop / "report.sarif").read_text())["version"] == "2.1.0"
    for wrong in ("sarif", "srif=x", "sarif="):
        assert ci(shop, "--output", wrong).returncode == 2
    assert ci(shop, *WITHOUT_PROOFS, "--output", "sarif=no/such/folder").returncode == 2


def test_a_change_of_meaning_is_told_and_fails_nothing(shop):
    (shop / "rules" / "book.yaml").write_text(BOOK.replace("at least: 18", "at least: 21"))
    (shop / "rules" / "tests.yaml").write_text(TESTS.replace("18", "21").replace("17", "20"))
    done = ci(shop, "--base", "HEAD", "--format", "markdown")
    assert (done.returncode, done.stderr) == (0, "")
    assert "| 🔀 | diff | 1 of 1 slot changed in meaning" in done.stdout
    assert '"age": 18' in done.stdout or '"age": 19' in done.stdout or '"age": 20' in done.stdout
    data = json.loads(ci(shop, "--base", "HEAD", "--format", "json").stdout)
    assert data["diff"]["changed"] is True
    # the same today, whenever it runs
    assert data["diff"]["slots"]["hero"]["witness"]["now"].endswith("T00:00:00.000000Z")
    git(shop, "commit", "-q", "-a", "-m", "Later")
    assert "No change in meaning" in ci(shop, "--base", "HEAD").stdout
    assert "1 of 1 slot" in ci(shop, "--base", "HEAD~1").stdout


def test_a_book_that_the_base_lacks_is_new(shop):
    git(shop, "mv", "rules", "book")
    git(shop, "commit", "-q", "-m", "Move it")
    done = ci(shop, "book", "--base", "HEAD~1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Everything is new: there is no folder book in the revision HEAD~1." in done.stdout


def test_what_people_have_staged_is_left_alone(shop):
    (shop / "rules" / "tests.yaml").write_text(TESTS + "# staged\n")
    git(shop, "add", ".")
    (shop / "rules" / "tests.yaml").write_text(TESTS + "# not staged\n")
    before = git(shop, "status", "--porcelain"), git(shop, "diff", "--cached")
    assert ci(shop, "--base", "HEAD").returncode == 0
    assert (git(shop, "status", "--porcelain"), git(shop, "diff", "--cached")) == before


def test_a_base_that_is_not_there_is_said_and_exits_2(shop):
    done = ci(shop, "--skip", "prove", "--base", "nowhere")
    assert done.returncode == 2
    assert "there is no revision nowhere" in done.stderr
    assert "2 tests passed" in done.stdout


def test_a_check_that_cannot_run_is_never_taken_for_passed(shop, tmp_path):
    (tmp_path / "z3").mkdir()
    (tmp_path / "z3" / "__init__.py").write_text("raise ModuleNotFoundError('no z3', name='z3')")
    command = ["tailored", "ci", "--format", "markdown", "--base", "HEAD"]
    done = run(command, shop, PYTHONPATH=str(tmp_path), GITHUB_STEP_SUMMARY="")
    assert done.returncode == 2
    assert "pip install 'tailored[proof]'" in done.stderr
    assert "| ❌ | prove | Not run" in done.stdout
    assert "Tailored: prove and diff could not run" in done.stdout


def test_strict_and_coverage_are_passed_on(shop):
    (shop / "rules" / "tests.yaml").write_text(TESTS.partition("  no-wine")[0])
    assert ci(shop, *WITHOUT_PROOFS, "--min-coverage", "90").returncode == 1
    (shop / "rules" / "tests.yaml").write_text(f"{TESTS}content: {{beer: {{title: Beer}}}}\n")
    assert ci(shop, *WITHOUT_PROOFS).returncode == 0
    assert ci(shop, *WITHOUT_PROOFS, "--strict").returncode == 1


# The GitHub Action.


ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


def step(name: str) -> dict:
    (found,) = [step for step in ACTION["runs"]["steps"] if step.get("name") == name]
    return found


def act(shop: Path, **given: str) -> subprocess.CompletedProcess[str]:
    """Runs the script of the action as GitHub does: by bash, with its inputs as environment."""
    script = step("Check the rules")
    inputs = (
        dict.fromkeys([*script["env"], "GITHUB_STEP_SUMMARY"], "")
        | {"PYTHON": sys.executable, "BOOK": "rules", "SKIP": "prove diff", "STRICT": "false"}
        | given
    )
    return run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script["run"]], shop, **inputs)


def base_of(shop: Path, **given: str) -> str | None:
    """What the action has the book compared with: here an `echo` stands for Python."""
    done = act(shop, PYTHON="echo", **given)
    assert done.returncode == 0, done.stderr
    found = [word.removeprefix("--base=") for word in done.stdout.split() if word.startswith("--base=")]
    return found[0] if found else None


@pytest.mark.no_cover
def test_the_action_is_valid():
    done = run([BIN / "check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"], ROOT)
    assert done.returncode == 0, done.stdout


def test_the_action_passes_its_inputs_as_variables_only():
    steps = ACTION["runs"]["steps"]
    assert not any("${{" in step.get("run", "") for step in steps)
    given = {value for step in steps for key in ("env", "with") for value in step.get(key, {}).values()}
    assert {f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"]} <= given


def test_the_action_installs_what_it_needs_and_nothing_of_the_repository(tmp_path):
    for extras, what in ("proof,scoring", "tailored[proof,scoring]"), ("", "tailored"):
        where = {"PYTHON": "echo", "GITHUB_ACTION_PATH": "/my actions/tailored", "EXTRAS": extras}
        done = run(["bash", "-eo", "pipefail", "-c", step("Install Tailored")["run"]], tmp_path, **where)
        assert done.stdout.startswith("-P -m pip install ")
        assert done.stdout.endswith(f" /my actions/{what}\n")


def test_the_action_checks_and_writes_its_files(shop):
    done = act(shop, SARIF="my findings.sarif", JUNIT="tests.xml", MIN_COVERAGE="100", STRICT="true")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((shop / "my findings.sarif").read_text())["version"] == "2.1.0"
    assert len(list(junitparser.JUnitXml.fromfile(str(shop / "tests.xml")))) == 4
    (shop / "rules" / "tests.yaml").write_text(TESTS.replace("hero: plain", "hero: wine"))
    done = act(shop)
    assert done.returncode == 1
    assert "::error file=rules/tests.yaml,line=3," in done.stdout


def test_the_action_takes_every_input_as_it_is(shop):
    (shop / "sub folder").mkdir()
    (shop / "rules").rename(shop / "sub folder" / "rules of *")
    given = {"BOOK": "sub folder/rules of *", "JUNIT": "my * tests.xml", "SKIP": "prove,diff"}
    assert act(shop, **given).returncode == 0
    assert (shop / "my * tests.xml").exists()
    assert act(shop, **given, STRICT="yes").stdout == "::error::`strict` takes true or false.\n"
    for wrong in ({"SKIP": "*"}, {"MIN_COVERAGE": "most"}, {"STRICT": "yes"}, {"BOOK": "no such"}):
        assert act(shop, **given | wrong).returncode == 2


def test_the_action_takes_no_module_from_what_it_checks(shop):
    (shop / "click.py").write_text("raise SystemExit('taken')")
    assert act(shop).returncode == 0


def test_a_branch_of_any_name_is_no_command(shop):
    for sly in ("$(touch sly)", "; touch sly", "--upload-pack=touch sly"):
        assert act(shop, BASE=sly, SKIP="prove").returncode == 2
    assert not (shop / "sly").exists()


def another_test(shop: Path, name: str) -> str:
    """A commit more."""
    with open(shop / "rules" / "tests.yaml", "a") as tests:
        tests.write(f"  {name}: {{user: {{age: 3}}, expect: {{hero: plain}}}}\n")
    git(shop, "commit", "-q", "-a", "-m", name)
    return git(shop, "rev-parse", "HEAD")


@pytest.fixture
def pull(shop):
    """A pull request: it began where `base.sha` is, `main` has gone on, and GitHub made the merge."""
    git(shop, "config", "uploadpack.allowAnySHA1InWant", "true")
    began = git(shop, "rev-parse", "HEAD")
    git(shop, "checkout", "-q", "-b", "change")
    (shop / "rules" / "book.yaml").write_text(BOOK.replace("Wine", "Red wine"))
    git(shop, "commit", "-q", "-a", "-m", "Red")
    head = git(shop, "rev-parse", "HEAD")
    git(shop, "checkout", "-q", "main")
    main = another_test(shop, "again")
    git(shop, "checkout", "-q", "-b", "merge", "main")
    git(shop, "merge", "-q", "--no-ff", "-m", "parent of all", "change")
    return {"PULL_BASE": began, "BASE": began, "PULL_HEAD": head, "main": main}


def clone(shop: Path, branch: str, *arguments: str) -> Path:
    """A clone with a branch's commit checked out and no branch of its own, as actions/checkout leaves it."""
    name = f"clone {len(list(shop.parent.iterdir()))}"
    git(shop.parent, "clone", "-q", f"--branch={branch}", *arguments, f"file://{shop}", name)
    git(shop.parent / name, "checkout", "-q", "--detach")
    git(shop.parent / name, "branch", "-q", "-D", branch)
    return shop.parent / name


def test_a_pull_request_is_compared_with_what_it_goes_into(shop, pull):
    main = pull.pop("main")
    shallow = clone(shop, "merge", "--depth=1")
    assert base_of(shallow, **pull) == main
    assert git(shallow, "cat-file", "-t", main) == "commit"
    assert base_of(clone(shop, "merge"), **pull) == main
    assert base_of(clone(shop, "change"), **pull | {"BASE": main, "PULL_BASE": main}) == pull["BASE"]
    done = act(shallow, **pull, SKIP="prove")
    assert (done.returncode, done.stderr) == (0, "")
    assert "diff: 1 of 1 slot changed in meaning" in done.stdout


def test_a_base_is_found_by_any_name_that_it_has(shop, pull):
    main, began = pull["main"], pull["BASE"]
    git(shop, "tag", "-a", "v1", "-m", "One", began)
    whole, shallow = clone(shop, "merge"), clone(shop, "merge", "--depth=1")
    for folder in (whole, shallow):
        assert base_of(folder, BASE="main") == main
        assert base_of(folder, BASE="origin/main") in (main, "origin/main")
        assert base_of(folder, BASE="v1") in (began, "v1")
        assert base_of(folder, BASE=began) == began
        assert base_of(folder, BASE="0" * 40) is None
        assert base_of(folder) is None
    assert git(whole, "rev-parse", "--is-shallow-repository") == "false"


def test_a_base_that_the_action_cannot_get_is_said_beside_what_could_be_checked(shop, tmp_path):
    summary = tmp_path / "summary.md"
    done = act(shop, BASE="nowhere", SKIP="prove", GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == 2
    assert "::error title=diff::Not run: there is no revision nowhere in" in done.stdout
    assert "2 tests passed" in done.stdout
    assert "| ❌ | diff | Not run: there is no revision nowhere" in summary.read_text()


def test_a_book_that_a_pull_request_brings_is_new(shop, pull):
    began = pull["BASE"]
    git(shop, "mv", "rules", "offers")
    git(shop, "commit", "-q", "-m", "Move")
    done = act(shop, BOOK="offers", BASE=began, SKIP="prove")
    assert done.returncode == 0
    assert "Everything is new" in done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a repository to somebody else, which root alone can do")
def test_the_action_reads_a_checkout_that_belongs_to_somebody_else(shop):
    for path in [shop, *shop.rglob("*")]:
        os.chown(path, 4321, 4321)
    refused = run(["git", "-C", shop, "rev-parse", "HEAD"], shop, SUDO_UID="")
    assert "dubious ownership" in refused.stderr
    done = act(shop, BASE="HEAD", SKIP="prove", SUDO_UID="")
    assert (done.returncode, done.stderr) == (0, "")
    assert "diff: No change in meaning" in done.stdout


# The hooks of pre-commit.


@pytest.fixture(scope="module")
def hooks(tmp_path_factory):
    """A repository that has what the hooks need of this one, to be cloned by pre-commit."""
    folder = tmp_path_factory.mktemp("hooks")
    for name in ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "diagnostics.md", folder / "docs" / "diagnostics.md")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Hooks")
    return folder


@pytest.fixture(scope="module")
def pre_commit_home(tmp_path_factory):
    return tmp_path_factory.mktemp("pre-commit")


def offline() -> dict[str, str]:
    """What lets pip find what the package needs where it is installed already: no network."""
    installed = next(path for path in sys.path if path.endswith("site-packages"))
    return {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PYTHONPATH": installed}


def pre_commit(shop: Path, home: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs pre-commit."""
    return run(
        [sys.executable, "-m", "pre_commit", *arguments],
        shop,
        PRE_COMMIT_HOME=str(home),
        VIRTUALENV_NO_PERIODIC_UPDATE="1",
        **offline(),
    )


@pytest.mark.no_cover
def test_the_hooks_are_a_valid_manifest():
    done = run([sys.executable, "-m", "pre_commit", "validate-manifest", ".pre-commit-hooks.yaml"], ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.no_cover
def test_pre_commit_runs_the_hooks(shop, hooks, pre_commit_home):
    revision = git(hooks, "rev-parse", "HEAD")
    configuration = {
        "repos": [
            {
                "repo": str(hooks),
                "rev": revision,
                "hooks": [{"id": "tailored-validate"}, {"id": "tailored-test", "args": ["rules"]}],
            }
        ]
    }
    (shop / ".pre-commit-config.yaml").write_text(yaml.safe_dump(configuration))
    git(shop, "add", ".")
    done = pre_commit(shop, pre_commit_home, "run", "--all-files")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Passed") == 2

    (shop / "rules" / "tests.yaml").write_text(TESTS.replace("hero: plain", "hero: wine"))
    done = pre_commit(shop, pre_commit_home, "run", "--all-files")
    assert done.returncode == 1
    assert "test the rule book" in done.stdout
    assert "`hero` should be `wine`, and is plain, by default." in done.stdout

    (shop / "rules" / "book.yaml").write_text(BOOK.replace("hero: wine", "hero: vine"))
    done = pre_commit(shop, pre_commit_home, "run", "tailored-validate", "--all-files")
    assert done.returncode == 1
    assert "Did you mean `wine`?" in done.stdout


@pytest.fixture
def guarded_shop(shop, hooks, pre_commit_home):
    """The repository with a catalog, and the hook installed."""
    revision = git(hooks, "rev-parse", "HEAD")
    (shop / ".pre-commit-config.yaml").write_text(
        f"repos: [{{repo: '{hooks}', rev: {revision}, hooks: [{{id: tailored-validate}}]}}]\n"
    )
    (shop / "rules" / "stock.yaml").write_text(
        "catalogs: {stock: {file: stock.csv, attributes: {price: {type: number}}}}\n"
    )
    (shop / "rules" / "stock.csv").write_text("id,price\nsocks,9\n")
    git(shop, "add", ".")
    git(shop, "commit", "-qm", "A catalog")
    assert pre_commit(shop, pre_commit_home, "install").returncode == 0
    return shop


def commit(shop: Path, home: Path) -> tuple[int, str]:
    """Commits all that has changed, as somebody does who has the hook."""
    git(shop, "add", "-A")
    who = ["-c", "user.name=Kari", "-c", "user.email=kari@example.org"]
    done = run(["git", *who, "commit", "-qm", "A change"], shop, PRE_COMMIT_HOME=str(home), **offline())
    return done.returncode, done.stdout + done.stderr


@pytest.mark.no_cover
def test_a_commit_that_breaks_the_book_is_held_back(guarded_shop, pre_commit_home):
    (guarded_shop / "rules" / "book.yaml").write_text(BOOK.replace("hero: wine", "hero: vine"))
    code, said = commit(guarded_shop, pre_commit_home)
    assert code == 1
    assert "Did you mean `wine`?" in said


@pytest.mark.no_cover
def test_a_commit_that_breaks_or_takes_nothing_but_a_table_is_held_back(guarded_shop, pre_commit_home):
    table = guarded_shop / "rules" / "stock.csv"
    table.write_text("id,price\nsocks,cheap\n")
    code, said = commit(guarded_shop, pre_commit_home)
    assert (code, "rules/stock.csv:2:" in said) == (1, True)
    table.unlink()
    code, said = commit(guarded_shop, pre_commit_home)
    assert (code, "There is no file `stock.csv`" in said) == (1, True)
    table.write_text("id,price\nsocks,10\n")
    assert commit(guarded_shop, pre_commit_home)[0] == 0
