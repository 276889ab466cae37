"""Whatever shows itself in a notebook shows names as text: of columns, levels, files, models, grids and jobs."""

import importlib
import pkgutil
from html.parser import HTMLParser

import pytest

import daskdl
import daskdl as h2o
import frames
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.estimators.job import H2OJob
from daskdl.grid import H2OGridSearch
from frames.cluster import progress_bars, registry, session

pytestmark = pytest.mark.timeout(300)  # kernels may be compiled

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;"
HARMLESS = frozenset(
    (
        *("b", "div", "h3", "p", "pre", "small", "span", "strong", "style", "details", "summary", "br"),
        *("svg", "polyline", "title", "table", "thead", "tbody", "tr", "th", "td"),
    )
)


def shown_classes() -> set[str]:
    """Names of all classes of ours that say how a notebook shows them."""
    found = set()
    for package in (daskdl, frames):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                for one in vars(importlib.import_module(module.name)).values():
                    own = isinstance(one, type) and one.__module__ == module.name
                    if own and {"_repr_html_", "_page"} & set(vars(one)):
                        found.add(one.__name__)
    return found - {
        "Shown",
        "Explanation",
    }  # which others fill; whose drawings are pictures, tried beside its own tests


class Reader(HTMLParser):
    """Collects what a browser would make of a page: tags, their attributes, and texts."""

    def __init__(self, page: str):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts = set(), set(), []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def things(tmp_path_factory):
    """One of each class, made of evil names."""
    shown, progress_bars._shown = progress_bars._shown, False
    session.stop()
    session.start(nthreads=1)
    path = tmp_path_factory.mktemp("data") / f"{EVIL.replace('/', '')}.csv"
    rows = [f'{n % 7},"{level}"' for n, level in enumerate([EVIL.replace('"', ""), "plain"] * 40)]
    name = EVIL.replace('"', "")
    path.write_text("\n".join([f'"{name}","{name} y"', *rows]))
    frame = h2o.import_file(str(path), destination_frame=f"{name}.frame")
    frame[f"{name} y"] = frame[f"{name} y"].asfactor()
    network = H2ODeepLearningEstimator(hidden=[2], epochs=1, seed=1, nfolds=2, stopping_rounds=0, model_id=EVIL)
    network.train(x=[name], y=f"{name} y", training_frame=frame, validation_frame=frame)
    auto = H2OAutoEncoderEstimator(hidden=[2], epochs=1, seed=1, model_id=f"{EVIL} auto")
    auto.train(x=[name], training_frame=frame)
    grid = H2OGridSearch(H2ODeepLearningEstimator(hidden=[2], epochs=1, seed=1), {"l1": [0, 0.1]}, grid_id=EVIL)
    grid.train(x=[name], y=f"{name} y", training_frame=frame)
    unfinished = H2OJob(EVIL, lambda job: [job.take(n / 9, history(n)) for n in range(9)])
    unfinished.result()
    broken = H2OJob(EVIL, fail)
    broken._thread.join()
    yield {
        "H2OFrame": [frame, frame[name], frame.head(), frame[f"{name} y"].table(), frame[:, []]],
        "H2ODeepLearningEstimator": [network, auto],
        "ModelMetrics": [network.model_performance(), network.model_performance(valid=True), auto.model_performance()],
        "ConfusionMatrix": [network.confusion_matrix(), network.confusion_matrix(valid=True)],
        "H2OTwoDimTable": [network.summary(), network.cross_validation_metrics_summary()],
        "GridViews": [grid, grid.get_grid(sort_by="logloss")],
        "H2OJob": [unfinished, broken],
        "ListedJob": list(h2o.jobs()),
        "Jobs": [h2o.jobs()],
        "H2OCluster": [h2o.cluster()],
    }
    registry.clear()
    session.stop()
    progress_bars._shown = shown


def history(n):
    return {"epochs": float(n), "training_speed": EVIL, "training_logloss": 1 / (n + 1)}


def fail(job):
    raise ValueError(EVIL)


def test_every_class_that_shows_itself_is_tried(things):
    assert set(things) == shown_classes()


def test_no_name_becomes_a_tag_or_an_attribute(things):
    for kind, ones in things.items():
        for one in ones:
            seen = Reader(one._repr_html_())
            assert seen.tags <= HARMLESS, (kind, seen.tags - HARMLESS)
            assert not [name for name in seen.attributes if name.startswith("on")], kind


@pytest.mark.parametrize("kind", ["H2OFrame", "H2ODeepLearningEstimator", "GridViews", "H2OJob", "ConfusionMatrix"])
def test_the_names_are_there_as_text(things, kind):
    assert "<script>alert(1)" in "".join(Reader(things[kind][0]._repr_html_()).texts)
