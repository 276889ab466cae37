"""Writes docs/parameters.md from the declarations of `daskdl.parameters`: `make docs`. A test compares the two."""

from pathlib import Path

from daskdl.parameters import markdown

PAGE = Path(__file__).with_suffix(".md")
HEAD = """\
# Parameters

Every parameter of `H2ODeepLearningEstimator`, under H2O's name and with H2O's default. This page is written by
`make docs` from the declarations in `daskdl/parameters/declared.py`; do not edit it by hand. The last column says what
a new value does when training continues from a checkpoint. Names of choices may be written in any case, with or without
underscores.

"""


def text() -> str:
    """The page as it should be now."""
    return HEAD + markdown()


if __name__ == "__main__":
    PAGE.write_text(text(), encoding="utf-8")
    print(f"Wrote {PAGE.relative_to(PAGE.parent.parent)}")
