"""The README's Python runs as it stands, block after block, in a process and a folder of its own."""

import re
import subprocess
import sys

from source_tree import ROOT

TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)


def test_the_readme_opens_with_the_two_commands():
    first = TEXT.split("```")[1]
    assert [line.split("#")[0].split() for line in first.splitlines()[1:3]] == [["make", "demo"], ["make", "test"]]


def test_its_first_python_fits_ten_lines_of_work():
    lines = [line for line in BLOCKS[0].splitlines() if line.strip() and not line.startswith(("import", "from"))]
    assert len(lines) <= 10


def test_its_python_runs_as_it_stands(tmp_path):
    assert len(BLOCKS) == 2
    # From the command line and not from a file: worker processes must not run the main module again.
    command = [sys.executable, "-W", "error::RuntimeWarning", "-c", "\n".join(BLOCKS)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "predictions.csv").stat().st_size > 500
    assert list((tmp_path / "models").iterdir())
