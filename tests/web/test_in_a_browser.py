"""daskdl Flow in headless Chromium: forms, live pages, a lost connection, hostile names, narrow and dark screens."""

import contextlib
import json
import time
from urllib.parse import quote, urlencode

import numpy as np
import pytest
from browser import opened

import daskdl as h2o
from daskdl.estimators import H2OAutoEncoderEstimator, H2ODeepLearningEstimator
from daskdl.grid import H2OGridSearch
from daskdl.web.server import Flow
from frames.cluster import registry
from frames.frame import H2OFrame

pytestmark = [pytest.mark.timeout(240), pytest.mark.filterwarnings("ignore::RuntimeWarning")]
EVIL = "<script>document.title='owned'</script>\"'><img src=x onerror=document.title='owned'>{{7*7}}$$x$$"
SMALL = {"hidden": [4], "epochs": 3, "seed": 1}


class Screen:
    """A tab that goes to pages of a server and waits until they are there."""

    def __init__(self, tab, flow):
        self.tab, self.flow = tab, flow

    def go(self, path):
        """Open a page and wait for its charts."""
        self.tab.ask("Page.navigate", url=f"http://127.0.0.1:{self.flow.port}{path}")
        self.settle(path.partition("?")[0])

    def settle(self, path):
        """Wait until the page of an address is there, with its charts."""
        self.until(
            f"location.pathname === {json.dumps(path)} && document.readyState === 'complete' && "
            "(!document.querySelector('[data-chart]') || document.body.dataset.charts)"
        )

    def until(self, script, seconds=100.0):
        """Wait until an expression is true; while a page goes and the next one comes there is nothing to ask."""
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(AssertionError):  # no page is there at this moment
                if self.tab.evaluate(f"Boolean({script})"):
                    return
            assert time.monotonic() < deadline, f"never true: {script}"
            time.sleep(0.1)

    def fill(self, **values):
        """Type into fields and choose, as a person would: each change is told to the page."""
        for name, value in values.items():
            self.tab.evaluate(
                f"""(() => {{ const one = document.getElementById({json.dumps("f-" + name)});
                if (one.type === 'checkbox') one.checked = {json.dumps(value)}; else one.value = {json.dumps(value)};
                one.dispatchEvent(new Event('change', {{bubbles: true}})); }})()"""
            )

    def press(self, words):
        """Press the button with these words."""
        found = f"[...document.querySelectorAll('main button')].find((one) => one.textContent === {json.dumps(words)})"
        self.tab.evaluate(f"{found}.click()")

    def text(self):
        """All that the page says."""
        return self.tab.evaluate("document.querySelector('main').innerText")


@pytest.fixture(scope="module")
def tab(served, tmp_path_factory):
    """A browser that has signed in."""
    h2o.no_progress()
    with opened(served.address, tmp_path_factory.mktemp("browser"), "1280,900") as found:
        screen = Screen(found, served)
        screen.settle("/")
        yield found
    h2o.show_progress()


@pytest.fixture
def screen(tab, served):
    """The browser at its usual size, and nothing kept from other tests but iris."""
    registry.clear()
    h2o.load_dataset("iris").frame_id = "iris"
    tab.ask("Emulation.setDeviceMetricsOverride", width=1280, height=900, deviceScaleFactor=1, mobile=False)
    yield Screen(tab, served)
    registry.clear()


def test_the_token_is_gone_from_the_address_and_hidden_from_scripts(screen):
    screen.go("/")
    assert screen.flow.site.access.token not in screen.tab.evaluate("location.href + document.cookie")
    assert screen.tab.evaluate("document.cookie") == ""


def test_a_file_is_imported_by_its_form(screen):
    screen.go("/frames")
    screen.fill(path=str(h2o.door.keys.dataset_path("prostate")))
    screen.press("Import")
    screen.settle("/frame")
    assert "380 rows, 9 columns" in screen.text()
    assert screen.tab.evaluate("document.querySelectorAll('svg.bars').length") == 9


def test_a_form_follows_what_is_chosen_and_tells_mistakes_beside_fields(screen):
    screen.go("/build?training_frame=iris&response_column=class")

    def shown(name):
        return f"!document.querySelector('[data-field={name}]').hidden"

    assert not screen.tab.evaluate(shown("rate"))
    screen.fill(adaptive_rate=False)
    screen.until(shown("rate"))
    assert not screen.tab.evaluate("document.querySelector('#f-rate').disabled")
    screen.until(f"!({shown('rho')})")
    screen.fill(l1="-2")
    screen.until("document.getElementById('e-l1')")
    assert "l1 must be at least 0" in screen.tab.evaluate("document.getElementById('e-l1').textContent")
    assert "e-l1" in screen.tab.evaluate("document.getElementById('f-l1').getAttribute('aria-describedby')")
    screen.fill(l1="0.001")
    screen.until("!document.getElementById('e-l1')")


def test_another_frame_offers_its_own_columns(screen):
    h2o.load_dataset("prostate").frame_id = "prostate"
    screen.go("/build?training_frame=iris&response_column=class")
    screen.fill(epochs="7", training_frame="prostate")
    screen.until("[...document.querySelectorAll('#f-response_column option')].some((one) => one.value === 'CAPSULE')")
    assert screen.tab.evaluate("document.getElementById('f-epochs').value") == "7"


def test_a_submitted_form_trains_a_model_and_ends_on_its_page(screen):
    screen.go("/build?training_frame=iris&response_column=class")
    screen.fill(hidden="5", epochs="3", seed="1", model_id="net")
    screen.press("Train")
    screen.settle("/model")
    assert h2o.models() == ["net"]
    assert "Confusion Matrix" in screen.text()
    assert screen.tab.evaluate("document.body.dataset.charts") == "2"


def test_a_refused_form_shows_its_problems_with_the_focus_on_them(screen):
    screen.go("/build?training_frame=iris&response_column=class")
    screen.fill(hidden="0", model_id="net")
    screen.press("Train")
    screen.until("document.getElementById('problems')")
    assert "Hidden layer size must be positive" in screen.text()
    screen.until("document.activeElement.id === 'problems'")
    assert screen.tab.evaluate("document.getElementById('f-model_id').value") == "net"


LONG = {"epochs": "1e6", "stopping_rounds": "0", "classification_stop": "-1", "score_interval": "0.1", "hidden": "20"}


def begun(screen):
    """Start a training without end in the browser, and wait until it is followed."""
    screen.go("/build?training_frame=iris&response_column=class")
    screen.fill(**LONG)
    screen.press("Train")
    screen.settle("/job")
    screen.until("document.querySelector('#history tbody') && document.body.dataset.charts")
    return screen.flow.site.jobs.all()[0]


def test_a_running_job_is_followed_without_reloading_and_cancelled(screen):
    job = begun(screen)
    screen.tab.evaluate("window.same = true")
    rows = "document.querySelector('#history tbody').rows.length"
    before = screen.tab.evaluate(rows)
    screen.until(f"{rows} > {before} + 2")
    assert screen.tab.evaluate("window.same")
    points = (
        "[...Bokeh.documents[0]._all_models.values()].find((one) => one.name?.startsWith('training_')).get_length()"
    )
    screen.until(f"{points} === {rows}")  # the chart follows the table, a moment later
    screen.press("Cancel")
    screen.until("document.querySelector('[data-show=state]')?.textContent === 'cancelled'")
    assert job.wait(100)
    assert h2o.models() == []


def test_a_stopped_job_ends_on_the_page_of_its_model(screen):
    begun(screen)
    screen.press("Stop and keep what there is")
    screen.settle("/model")
    assert len(h2o.models()) == 1


def test_a_lost_connection_is_told_and_found_again(screen):
    job = begun(screen)
    screen.tab.ask("Network.enable")
    lost = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    screen.tab.ask("Network.emulateNetworkConditions", offline=True, **lost)
    screen.until("!document.getElementById('lost').hidden")
    assert screen.tab.evaluate("document.getElementById('lost').getAttribute('role')") == "alert"
    seen = screen.tab.evaluate("document.querySelector('#history tbody').rows.length")
    screen.tab.ask("Network.emulateNetworkConditions", offline=False, **lost)
    screen.until("document.getElementById('lost').hidden")
    screen.until(f"document.querySelector('#history tbody').rows.length > {seen}")
    job.cancel()
    assert job.wait(100)


def test_a_server_that_is_gone_is_told(screen, tmp_path):
    other = Flow()
    job = other.site.jobs.start("endless", lambda job: job.wait(300) or "/")
    with opened(other.address, tmp_path) as tab:
        screen = Screen(tab, other)
        screen.settle("/")
        screen.go(f"/job?number={job.number}")
        other.close()
        screen.until("!document.getElementById('lost').hidden")


def hostile():
    """A session in which everything that has a name has a hostile one; returns addresses of pages that show them."""
    rng = np.random.default_rng(1)
    columns = {f"{EVIL}{n}": rng.standard_normal(60).tolist() for n in range(3)}
    frame = H2OFrame({**columns, EVIL: [f"{EVIL}a", "b", None] * 20}, destination_frame=EVIL)
    cells = H2OFrame({"s": [EVIL, "b"], "t": [EVIL, EVIL]}, destination_frame=f"s{EVIL}", column_types={"s": "string"})
    assert cells.nrow == 2
    model = H2ODeepLearningEstimator(**SMALL, model_id=f"m{EVIL}", nfolds=2)
    model.train(training_frame=EVIL, y=EVIL)
    H2ODeepLearningEstimator(**SMALL, model_id=f"r{EVIL}").train(training_frame=EVIL, y=f"{EVIL}0")
    H2OAutoEncoderEstimator(**SMALL, model_id=f"a{EVIL}", activation="Tanh").train(training_frame=EVIL)
    grid = H2OGridSearch(H2ODeepLearningEstimator(**SMALL), {"l1": [0, 1e-3]}, grid_id=f"g{EVIL}")
    grid.train(training_frame=frame, y=EVIL)
    names = {letter: quote(f"{letter}{EVIL}") for letter in ("", "s", "m", "r", "a", "g")}
    return [
        *("/", "/frames", "/models", "/grids", "/jobs"),
        *(f"/frame?key={names[letter]}" for letter in ("", "s")),
        *(f"/model?key={names[letter]}" for letter in ("m", "r", "a")),
        f"/compare?key={names['m']}&key={names['r']}",
        f"/grid?key={names['g']}",
        f"/build?training_frame={names['']}&response_column={names['']}",
        f"/build?like={names['m']}",
        f"/grid/build?training_frame={names['']}",
        f"/frames/import?{urlencode({'path': EVIL, 'key': EVIL})}",
        f"/frame?key={quote(EVIL + 'none')}",
    ]


# Bokeh draws into shadow roots, which querySelectorAll does not enter.
PLANTED = """(() => {
    let found = document.title === "owned" ? 1 : 0;
    const walk = (root) => root.querySelectorAll("*").forEach((one) => {
        const script = one.tagName === "SCRIPT" && one.textContent.startsWith("document.title");
        if (script || one.hasAttribute("onerror")) found++;
        if (one.shadowRoot) walk(one.shadowRoot);
    });
    walk(document);
    return found;
})()"""


def test_hostile_names_are_text_in_every_page(screen):
    pages = hostile()
    for letter, frame in (("m", ""), ("r", ""), ("a", "")):  # their judgements have charts of their own
        screen.go(f"/frame?key={quote(frame + EVIL)}")
        screen.tab.evaluate(
            f"document.querySelector('form[action=\"/predict\"] select').value = {json.dumps(letter + EVIL)}"
        )
        screen.press("Predict these rows")
        screen.until(
            "location.pathname === '/frame' && document.querySelector('main h2')?.innerText.startsWith('What')"
        )
        pages.append(screen.tab.evaluate("location.pathname + location.search"))
    screen.go("/frames")
    screen.fill(path=f"/nowhere/{EVIL}.csv", key=EVIL + "1")
    screen.press("Import")
    screen.settle("/job")
    pages.append(screen.tab.evaluate("location.pathname + location.search"))
    for path in pages:
        screen.go(path)
        # What the pages hold as text must be there, and no part of it as an element.
        assert screen.tab.evaluate(PLANTED) == 0, path
        assert "49" not in screen.tab.evaluate("document.title"), path
    screen.tab.settle()
    assert screen.tab.evaluate(PLANTED) == 0


def test_hover_texts_of_charts_do_not_run_names(screen):
    """The names of inputs stand on an axis of the chart of importances, and in its hover text."""
    hostile()
    screen.go(f"/model?key={quote('m' + EVIL)}")
    place = screen.tab.evaluate(
        """(() => { const one = [...document.querySelectorAll('[data-chart]')].at(-1);
        one.scrollIntoView({block: 'center'}); const box = one.getBoundingClientRect();
        return [box.left, box.top, box.width, box.height]; })()"""
    )
    for share in (0.2, 0.35, 0.5, 0.65, 0.8):
        for height in (0.2, 0.4, 0.6, 0.8):
            x, y = place[0] + place[2] * share, place[1] + place[3] * height
            screen.tab.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
            time.sleep(0.05)
    screen.tab.settle()
    assert screen.tab.evaluate(PLANTED) == 0


PAGES = (
    *(
        "/",
        "/frames",
        "/frame?key=iris",
        "/models",
        "/model?key=net",
        "/grids",
        "/jobs",
        "/grid/build?training_frame=iris",
    ),
    *("/build?training_frame=iris&response_column=class", "/compare?key=net&key=net2"),
)


def test_no_page_is_wider_than_a_telephone_and_charts_follow_the_scheme(screen):
    for name in ("net", "net2"):
        H2ODeepLearningEstimator(**SMALL, model_id=name).train(training_frame="iris", y="class")
    for width, mobile in ((390, True), (1280, False)):
        screen.tab.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=mobile
        )
        for path in PAGES:
            screen.go(path)
            assert screen.tab.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
    screen.go("/model?key=net")
    ink = "[...Bokeh.documents[0]._all_models.values()].find((one) => one.type === 'LinearAxis').major_label_text_color"
    scripts = "getComputedStyle(document.documentElement).backgroundColor", f"JSON.stringify({ink})"
    colours = {script: [] for script in scripts}
    for scheme in ("light", "dark", "light"):
        screen.tab.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        screen.until(f"matchMedia('(prefers-color-scheme: {scheme})').matches")
        screen.tab.settle()
        for script, seen in colours.items():
            if seen:
                screen.until(f"{script} !== {json.dumps(seen[-1])}")
            seen.append(screen.tab.evaluate(script))
    screen.tab.ask("Emulation.setEmulatedMedia", features=[])
    assert all(first == last for first, _, last in colours.values())


def test_pages_have_one_heading_a_language_and_labels_for_every_control(screen):
    H2ODeepLearningEstimator(**SMALL, model_id="net").train(training_frame="iris", y="class")
    unnamed = """[...document.querySelectorAll('main :is(input:not([type=hidden]), select, textarea, button)')]
        .filter((one) => !one.labels?.length && !one.getAttribute('aria-label') && !one.textContent.trim())
        .map((one) => one.outerHTML)"""
    for path in PAGES[:-1]:
        screen.go(path)
        assert screen.tab.evaluate("document.querySelectorAll('h1').length") == 1, path
        assert screen.tab.evaluate("document.documentElement.lang") == "en"
        assert screen.tab.evaluate(unnamed) == [], path
        assert screen.tab.evaluate("document.querySelectorAll('[role=img]:not([aria-label])').length") == 0
        ids = "[...document.querySelectorAll('[id]')].map((one) => one.id)"
        assert screen.tab.evaluate(f"{ids}.filter((id, at, all) => all.indexOf(id) !== at)") == [], path


def test_the_keyboard_alone_reaches_the_content_and_trains(screen):
    screen.go("/build?training_frame=iris&response_column=class&hidden=4&epochs=2&model_id=typed")

    def key(name, code, text=""):
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            screen.tab.ask("Input.dispatchKeyEvent", type=kind, key=name, windowsVirtualKeyCode=code, **more)

    key("Tab", 9)
    assert screen.tab.evaluate("document.activeElement.className") == "skip"
    key("Enter", 13, "\r")
    screen.until("location.hash === '#main'")
    key("Tab", 9)
    assert screen.tab.evaluate("document.activeElement.id") == "f-training_frame"
    screen.tab.evaluate("document.getElementById('f-model_id').focus()")
    key("Enter", 13, "\r")
    screen.settle("/model")
    assert h2o.models() == ["typed"]
