"""What was clicked as Python: only the steps that matter, in order, and no name becomes code."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daskdl.web.script import History, Key, Step, call, script

A, B, C = Key("a.hex"), Key("b.hex"), Key("c.hex")


def made(key, *needs):
    return Step((key, " = ", *call("f", *needs)), makes=(key,), needs=needs)


def test_only_the_steps_behind_a_thing_are_told_in_their_order():
    history = History()
    change = Step((A, ".g()"), makes=(A,), needs=(A,))
    for step in (made(A), made(B), change, made(C, A)):
        history.add(step)
    assert history.behind([C]) == [made(A), change, made(C, A)]
    assert history.behind([B]) == [made(B)]
    assert history.behind([Key("unknown")]) == []


def test_a_frame_that_was_imported_again_is_told_from_its_last_import():
    history = History()
    for step in (made(A), Step((A, ".g()"), makes=(A,), needs=(A,)), made(A)):
        history.add(step)
    assert history.behind([A]) == [made(A)]


def test_what_no_step_makes_is_looked_up():
    text = script([made(B, A), Step((Key("m", "model"), ".h()"), needs=(Key("m", "model"),))])
    assert text == (
        "import daskdl as h2o\n\nh2o.init()\na = h2o.get_frame('a.hex')\nb = f(a)\n"
        "model_m = h2o.get_model('m')\nmodel_m.h()\n".replace("model_m", "m")
    )


def test_the_scheduler_and_imports_stand_on_top():
    text = script(
        [Step(("X()",), imports=("from x import X",)), Step(("X()",), imports=("from x import X",))], "tcp://h:1"
    )
    assert text == "import daskdl as h2o\nfrom x import X\n\nh2o.init(address='tcp://h:1')\nX()\nX()\n"


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=4, unique=True), st.text())
def test_no_name_becomes_code(names, value):
    """Keys of any letters become variables of their own, values of any letters stay strings."""
    keys = [Key(name) for name in names]
    text = script([Step((key, " = ", *call("f", value, more=[value, 1])), makes=(key,)) for key in keys])
    tree = ast.parse(text)
    assigned = [node for node in tree.body if isinstance(node, ast.Assign)]
    assert len(assigned) == len(keys)
    assert len({one.targets[0].id for one in assigned}) == len(keys)
    for one in assigned:
        assert one.value.args[0].value == value
        assert ast.literal_eval(one.value.keywords[0].value) == [value, 1]
    assert len(tree.body) == 2 + len(keys)


@pytest.mark.parametrize(
    "name", ["class", "h2o", "frame", "2", "", "..", "__import__('os')", "H2O.hex", "None", "print(1)"]
)
def test_awkward_names_are_variables_all_the_same(name):
    space: dict = {}
    exec(script([Step((Key(name), " = 1"), makes=(Key(name),))]).split("h2o.init()\n")[1], space)
    assert 1 in space.values()
