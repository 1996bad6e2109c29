"""Laws of reading and writing YAML, with Kubernetes' own reader (in Go), PyYAML and ruamel.yaml as witnesses."""

import io
import math
from random import Random

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from reconciler.manifests.edit import get_in, remove_in, set_in
from reconciler.manifests.emit import emit, emit_json, quoted
from reconciler.manifests.load import load
from reconciler.manifests.rewrite import APPEND, REMOVE, Edit, rewrite
from tests import goyaml
from tests.properties.yaml_documents import KEYS, SCALARS, Documents
from tests.searching import examples

LAW = settings(max_examples=examples(200), deadline=None)

# What a file can say is what Kubernetes' JSON can hold: no whole float within int64 (it is an integer), no NaN.
TEXTS = (
    st.text()
    | st.sampled_from([*SCALARS, *KEYS])
    | st.text("ab \n\t:#-|>'\"\\\r%@`!&*{}[],?=~\u2028\x85\ufeff", max_size=20)
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda x: not x.is_integer() or not -(2**63) <= x < 2**63
)
SCALAR_VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | FLOATS | TEXTS
VALUES = st.recursive(
    SCALAR_VALUES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=25,
)
BODIES = st.dictionaries(
    TEXTS | st.sampled_from(["apiVersion", "kind", "metadata", "spec"]), VALUES, max_size=5
)


def same(left, right):
    """Equality that tells 1, 1.0 and True apart."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right and (
        not isinstance(left, float) or math.copysign(1, left) == math.copysign(1, right)
    )


def read_back(data):
    loaded = load(data, "x.yaml")
    assert loaded.problems == ()
    return [document.body for document in loaded.documents]


def strings(value):
    """Every string in a value, keys included, in an order of their own."""
    if isinstance(value, dict):
        return [found for key in sorted(value) for found in [key, *strings(value[key])]]
    if isinstance(value, list):
        return [found for item in value for found in strings(item)]
    return [value] if isinstance(value, str) else []


def as_a_server_holds_it(value):
    """Integers beyond int64 are floats to an API server; here they keep their digits."""
    if isinstance(value, dict):
        return {key: as_a_server_holds_it(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_a_server_holds_it(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool) and value >= 2**63:
        return float(value)
    return value


@LAW
@given(BODIES.filter(lambda body: not str(body.get("kind")).endswith("List")))
def test_reading_what_was_written_gives_the_same_object(body):
    (found,) = read_back(emit(body))
    assert same(found, body)


@LAW
@given(BODIES, st.randoms(use_true_random=False))
def test_equal_objects_give_equal_bytes_whatever_the_order_of_their_keys(body, random: Random):
    def shuffled(value):
        if isinstance(value, dict):
            keys = list(value)
            random.shuffle(keys)
            return {key: shuffled(value[key]) for key in keys}
        return [shuffled(item) for item in value] if isinstance(value, list) else value

    assert emit(shuffled(body)) == emit(body)
    assert emit_json(shuffled(body)) == emit_json(body)


@LAW
@given(BODIES)
def test_other_yaml_readers_see_the_same_strings(body):
    data = emit(body)
    assert strings(yaml.load(data, yaml.CSafeLoader)) == strings(body)
    assert strings(YAML(typ="safe", pure=True).load(io.BytesIO(data))) == strings(body)


@LAW
@given(BODIES)
def test_writing_is_idempotent_and_leaves_no_blank_at_the_end_of_a_line_but_a_texts_own(body):
    data = emit(body)
    assert data.endswith(b"\n")
    loaded = load(data, "x.yaml")
    if len(loaded.documents) == 1 and loaded.documents[0].origin.item is None:
        assert emit(loaded.documents[0].body) == data


@settings(LAW, max_examples=examples(100))
@given(BODIES)
def test_kubernetes_reads_what_was_written_as_it_is(body):
    (answer,) = goyaml.read([emit(body).decode()])
    assert (answer.error, answer.strict) == ("", "")
    assert same(answer.value, as_a_server_holds_it(body))


@LAW
@given(TEXTS)
def test_a_string_on_one_line_has_no_line_break_and_is_that_string(text):
    written = quoted(text)
    assert written.splitlines() == [written]
    assert same(read_back(f"v: {written}\n".encode()), [{"v": text}])


def test_every_character_survives_quoted_and_in_a_block():
    for start in range(0, 0x110000, 0x400):
        block = [chr(code) for code in range(start, start + 0x400) if not 0xD800 <= code <= 0xDFFF]
        for text in ("".join(block), "".join(f"x{character}\n" for character in block)):
            assert same(read_back(emit({"v": text})), [{"v": text}])


def places(value, path=()):
    """The path of every value inside, and of every place where one could be added."""
    if isinstance(value, dict):
        yield (*path, "new key")
        for key, item in value.items():
            yield (*path, key)
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        yield (*path, APPEND)
        for index, item in enumerate(value):
            yield (*path, index)
            yield from places(item, (*path, index))


@LAW
@given(
    BODIES.filter(lambda body: not str(body.get("kind")).endswith("List") and "new key" not in body),
    st.data(),
    VALUES | st.just(REMOVE),
    st.sampled_from(["", "# before\n", "---\nother: 'x'\n---\n"]),
)
def test_a_file_in_canonical_form_takes_every_edit_and_reads_as_intended(body, data, value, before):
    path = data.draw(st.sampled_from(list(places(body))))
    if value is REMOVE and path[-1] is APPEND:
        path = path[:-1]
    text = before.encode() + emit(body) + b"---\nlast: 'y' # kept\n"
    document = 1 if "other" in before else 0
    if value is REMOVE:
        wanted = remove_in(body, path)
    elif path[-1] is APPEND:
        wanted = set_in(body, (*path[:-1], len(get_in(body, path[:-1]))), value)
    else:
        wanted = set_in(body, path, value)
    result = rewrite(text, document, [Edit(path=path, value=value)])
    assert result.startswith(before.encode())
    assert result.endswith(b"---\nlast: 'y' # kept\n")
    found = load(result, "x.yaml").documents[document].body
    assert same(found, wanted)


# Refusals that Kubernetes does not share, each for a reason: it would lose or change what was written.
STRICTER = {
    "R107": "keys that only JSON makes equal (1 and '1'): Go keeps one of them at random",
    "R108": "tags that goyaml drops without a word",
    "R109": "!!binary that holds no UTF-8: Go puts replacement characters",
    "R103": "what stands behind the first document: goyaml.Unmarshal stops reading there",
    "R112": "a merge over a key that is written above it",
}


def differs(text, answer):
    """What is wrong with our reading of a text, or None."""
    loaded = load(text.encode(), "x.yaml")
    if not loaded.is_readable:
        codes = {problem.code for problem in loaded.problems}
        agreed = answer.error or answer.strict or codes & STRICTER.keys()
        return None if agreed else f"refused ({sorted(codes)}), and Kubernetes reads it"
    if answer.error:
        # The escape that JSON has: libyaml knows it, goyaml's older scanner does not.
        is_slash = answer.error.endswith("found unknown escape character") and "\\/" in text
        return None if is_slash else "read, and Kubernetes refuses it"
    if not loaded.documents:
        return "lost" if isinstance(answer.value, dict) else None
    found = as_a_server_holds_it(loaded.documents[0].body)
    return None if same(found, answer.value) else f"read as {found}"


def test_generated_documents_are_read_as_kubernetes_reads_them():
    documents = Documents(seed=20261122)
    texts = [f"v: {scalar}\n" for scalar in SCALARS]
    texts += [f"v: [{scalar}, '{scalar}']\n" for scalar in SCALARS if "'" not in scalar]
    texts += [f"{key}: v\n" for key in [*KEYS, *SCALARS]]
    texts += [
        f"v: {tag} {scalar}\n"
        for tag in ("!!int", "!!float", "!!bool", "!!null", "!!str", "!!timestamp")
        for scalar in SCALARS
    ]
    texts += [documents.text() for _ in range(4_000)]
    answers = goyaml.read(texts)
    assert sum(not answer.error for answer in answers) > 2_000
    found = [
        f"{text!r}: {difference}; Kubernetes: {answer}"
        for text, answer in zip(texts, answers, strict=True)
        if (difference := differs(text, answer)) is not None
    ]
    assert found == []


@LAW
@given(st.binary(max_size=300) | st.text("a1:-{}[]&*!|>'\"%@`,?#\n \t<~", max_size=80).map(str.encode))
def test_no_bytes_make_reading_raise(data):
    for path in ("x.yaml", "x.json"):
        for problem in load(data, path).problems:
            assert problem.location is not None
            assert problem.remedy
