"""The page of rules about data: every example gives what stands beside it."""

import doctest
import re
import warnings

from frames import exceptions
from frames.cluster import session

ROW = re.compile(r"^\|.*\| `([^`]+)` \| `([^`]+)` \|$")


def test_examples_in_the_text_and_in_the_tables_hold(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    session.start(nthreads=2)
    page = (root / "docs" / "data.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and "---" not in line]
    examples = [found.groups() for found in map(ROW.match, rows) if found]
    assert len(examples) == len([row for row in rows if "| Gives |" not in row]) > 40
    test = doctest.DocTestParser().get_doctest(page, {}, "data.md", None, 0)
    told: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        failed, tried = doctest.DocTestRunner().run(test, out=told.append, clear_globs=False)
    assert (tried > 10, failed) == (True, 0), "".join(told)
    wrong = {}
    for example, wanted in examples:
        got = given(example, test.globs)
        if got != wanted:
            wrong[example] = got, wanted
    assert wrong == {}


def given(example, names):
    """What an example of a table gives, as text: its value, or the name of the error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return repr(eval(example, names))
        except exceptions.H2OError as error:
            return type(error).__name__


def test_the_page_is_linked_where_users_look(root):
    for page in ("README.md", "docs/h2o_differences.md"):
        assert re.search(r"\]\((docs/)?data\.md\)", (root / page).read_text(encoding="utf-8")), page
