"""What workers write into their log: nothing about errors that reach the user as sentences, all about others."""

import subprocess
import sys

SCRIPT = """
import distributed, numpy
import daskdl as h2o
from frames.cluster import session
from frames.exceptions import CodecCannotHold, H2OJobError

def ours(kind):
    raise kind("the frame must be another one")

def foreign():
    raise ZeroDivisionError("of somebody else")

def main(processes):
    if processes:
        cluster = distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1"
        )
        h2o.init(client=distributed.Client(cluster), verbose=False)
    else:
        h2o.init(nthreads=1, dashboard=False, verbose=False)
    client = session.client()
    for task in (client.submit(ours, H2OJobError), client.submit(ours, CodecCannotHold), client.submit(foreign)):
        print(type(task.exception()).__name__)
    client.submit(str, 1).result()
    print([line for _, line in client.get_worker_logs().popitem()[1] if "Compute Failed" in line], flush=True)

if __name__ == "__main__":
    import sys
    main(sys.argv[1] == "processes")
"""


def _told(tmp_path, where):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, str(script), where], capture_output=True, text=True, timeout=60, check=True)
    lines = done.stdout.splitlines()
    assert lines[:3] == ["H2OJobError", "CodecCannotHold", "ZeroDivisionError"]
    return lines[3], done.stderr


def test_the_embedded_worker_logs_the_errors_of_others_only(tmp_path):
    logged, shown = _told(tmp_path, "embedded")
    for text in (logged, shown):
        assert text.count("Compute Failed") == 1
        assert "of somebody else" in text
        assert "another one" not in text


def test_workers_of_their_own_do_so_too(tmp_path):
    logged, shown = _told(tmp_path, "processes")
    for text in (logged, shown):
        assert text.count("Compute Failed") == 1
        assert "of somebody else" in text
        assert "another one" not in text
