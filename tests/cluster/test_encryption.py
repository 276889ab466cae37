"""A cluster whose processes show certificates to each other: everything works as without, and strangers stay out."""

import datetime
import ipaddress
import socket
import subprocess
import sys
import textwrap
import urllib.request

import dask
import distributed
import numpy as np
import psutil
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from distributed.security import Security
from processes import Processes

import daskdl as h2o
from daskdl.dispatch.place import Beside, place_of
from daskdl.dispatch.scheduler import as_client
from daskdl.estimators import H2ODeepLearningEstimator
from frames.cluster import progress_bars, registry, session
from frames.exceptions import H2OResponseError
from frames.frame import H2OFrame

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(110)]

NET = {"hidden": [8], "epochs": 5, "seed": 1, "reproducible": True, "stopping_rounds": 0}


def certificate(name, issuer=None):
    """Return a key and a certificate for this machine, signed by an issuer (key, certificate) or by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(tz=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who if issuer is None else issuer[1].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
    )
    return key, made.sign(key if issuer is None else issuer[0], hashes.SHA256())


def written(folder, name, key, made):
    """Write both as PEM files; return their paths (certificate, key)."""
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return str(paths[0]), str(paths[1])


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """The certificate of an authority, and certificates and keys that it signed; those of a stranger, too."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = certificate("authority")
    found = {"authority": written(folder, "authority", *authority)[0]}
    for name in ("scheduler", "worker", "client"):
        found[name] = written(folder, name, *certificate(name, authority))
    found["stranger"] = written(folder, "stranger", *certificate("stranger"))
    return found


def options(papers, role):
    return ("--tls-ca-file", papers["authority"], "--tls-cert", papers[role][0], "--tls-key", papers[role][1])


def security(papers, who="client"):
    cert, key = papers[who]
    return Security(tls_ca_file=papers["authority"], tls_client_cert=cert, tls_client_key=key, require_encryption=True)


@pytest.fixture(scope="module")
def processes(papers, tmp_path_factory):
    pages = ("--dashboard-address", "127.0.0.1:0", *options(papers, "scheduler"))
    folder = tmp_path_factory.mktemp("scheduler")
    with Processes(folder, scheduler=pages, worker=options(papers, "worker")) as found:
        yield found


@pytest.fixture
def client(processes, papers, monkeypatch):
    monkeypatch.setattr(progress_bars, "_shown", False)
    before = session._current
    with distributed.Client(processes.address, security=security(papers), set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
        yield client
        registry.clear()
        session.set_client(before)


def test_training_goes_on_beside_a_scheduler_that_wants_certificates(client, processes):
    assert processes.address.startswith("tls://127.0.0.1:")
    h2o.init(client=client, verbose=False)
    assert isinstance(place_of(client), Beside)
    draw = np.random.default_rng(3).normal(size=(600, 3))
    frame = H2OFrame({"a": draw[:, 0], "b": draw[:, 1], "y": draw[:, 0] * draw[:, 1]})
    model = H2ODeepLearningEstimator(**NET, model_id="sealed")
    model.train(y="y", training_frame=frame)
    assert h2o.jobs().of_model("sealed").outlives_client
    assert model.model.notes["workers"] == 2
    assert model.predict(frame).nrow == 600
    pages = f"http://127.0.0.1:{processes.about['services']['dashboard']}"
    with urllib.request.urlopen(f"{pages}/daskdl", timeout=30) as answer:
        assert "Bokeh" in answer.read().decode()


@pytest.mark.usefixtures("client")
def test_a_client_finds_its_certificate_in_the_configuration(processes, papers):
    cert, key = papers["client"]
    client = {"distributed.comm.tls.client.cert": cert, "distributed.comm.tls.client.key": key}
    with dask.config.set({"distributed.comm.tls.ca-file": papers["authority"], **client}):
        found = h2o.connect(address=processes.address, verbose=False)
    assert found.cloud_size == 2
    found.client.close()


def test_a_stranger_and_a_client_without_certificate_stay_out(processes, papers):
    with pytest.raises(OSError, match=r"Timed out|TLS|certificate"):
        distributed.Client(processes.address, security=security(papers, "stranger"), timeout=2, set_as_default=False)
    with pytest.raises(H2OResponseError, match=r"certificates.* distributed\.comm\.tls"):
        h2o.connect(address=processes.address, verbose=False)


def test_every_listener_of_these_processes_is_on_loopback(processes, client):
    for process in (processes.scheduler, *processes.workers):
        found = [one for one in psutil.Process(process.pid).net_connections("inet") if one.status == "LISTEN"]
        assert found
        assert {one.laddr.ip for one in found} == {"127.0.0.1"}


def test_the_scheduler_shows_its_own_certificate_only_where_it_has_none_of_a_client():
    given = Security(tls_ca_file="ca", tls_scheduler_cert="cert", tls_scheduler_key="key")
    assert (as_client(given).tls_client_cert, as_client(given).tls_client_key) == ("cert", "key")
    assert given.tls_client_cert is None
    both = Security(tls_ca_file="ca", tls_scheduler_cert="cert", tls_client_cert="own", tls_client_key="k")
    assert as_client(both) is both
    assert as_client(none := Security()) is none


EMBEDDED = """
    import sys, psutil
    import daskdl as h2o
    h2o.init(port=int(sys.argv[1]), verbose=False)
    found = [one.laddr for one in psutil.Process().net_connections("inet") if one.status == "LISTEN"]
    print(sorted({one.ip for one in found}), h2o.cluster().dashboard_link)
"""


def test_where_the_port_of_the_dashboard_is_taken_the_other_one_is_on_loopback_too():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-c", textwrap.dedent(EMBEDDED), str(port)]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    addresses, link = said.split("] ")
    assert addresses == "['127.0.0.1'"
    assert link.startswith("http://127.0.0.1:")
    assert f":{port}/" not in link
