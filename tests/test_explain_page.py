"""The example of the page on explanations runs, and does what the page says of it."""

import re

import pytest
from source_tree import ROOT

from frames.cluster import progress_bars, session


@pytest.mark.filterwarnings("ignore:Training on .* rows:RuntimeWarning")
def test_the_example_runs_and_contributions_add_up(monkeypatch, tmp_path, capsys):
    session.start(nthreads=2, dashboard="127.0.0.1:0")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress_bars, "_shown", False)
    page = (ROOT / "docs" / "explain.md").read_text(encoding="utf-8")
    names: dict = {}
    for code in re.findall(r"```python\n(.+?)```", page, re.DOTALL):
        exec(compile(code, "docs/explain.md", "exec"), names)
    shares = names["shares"].as_data_frame()
    assert list(shares.columns) == ["AGE", "PSA", "GLEASON", "BiasTerm"]
    predicted = names["model"].predict(names["patients"]).as_data_frame()["p1"]
    assert shares.sum(axis=1).to_numpy() == pytest.approx(predicted.to_numpy(), abs=1e-5)
    assert "BiasTerm" in capsys.readouterr().out
