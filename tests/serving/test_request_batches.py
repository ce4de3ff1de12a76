"""Requests that wait together are answered together, each with its own rows."""

import threading
import time

import numpy as np
import pytest

pytest.importorskip("tensorflow_serving")

from tltf.serving import batches, limits, status


class Graph:
    """Doubles numbers; refuses batches with a negative one; can be held up."""

    def __init__(self):
        self.sizes = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)

    def __call__(self, signature, inputs):
        self.entered.release()
        assert self.gate.wait(10)
        x = inputs["x"]
        self.sizes.append(len(x))
        if (x < 0).any():
            raise status.invalid("negative")
        return {"y": 2 * x}


def call(*numbers, signature="s", deadline=None, pixels=0, rows=True, width=None):
    x = np.array(numbers, np.float32)
    if width:
        x = np.tile(x[:, None], width)
    return batches.Call(
        signature=signature,
        inputs={"x": x},
        rows=len(x) if rows else None,
        pixels=pixels,
        deadline=time.monotonic() + 30 if deadline is None else deadline,
    )


@pytest.fixture
def graph():
    return Graph()


@pytest.fixture
def start(graph):
    made = []

    def make(**bounds):
        made.append(batches.Worker(graph, limits.Limits(**bounds), name="test"))
        return made[-1]

    yield make
    graph.gate.set()
    for worker in made:
        worker.close()


def queued(graph, worker, *calls):
    """Lets calls come while the graph is busy with another, then answers all."""
    graph.gate.clear()
    worker.submit(first := call(0))
    assert graph.entered.acquire(timeout=10)
    for one in calls:
        worker.submit(one)
    graph.gate.set()
    first.done.result(10)
    return [one.done.exception(10) or one.done.result()["y"].tolist() for one in calls]


def test_what_waits_goes_together_and_each_gets_its_own_rows(graph, start):
    found = queued(graph, start(), call(1), call(2, 3), call(4))
    assert found == [[2], [4, 6], [8]]
    assert graph.sizes == [1, 4]


def test_of_many_that_wait_some_stay_to_keep_the_thread_busy(graph, start):
    found = queued(graph, start(), *map(call, range(1, 16)))
    assert found == [[2 * n] for n in range(1, 16)]
    assert graph.sizes == [1, 8, 7]


def test_batches_hold_no_more_rows_than_allowed(graph, start):
    queued(graph, start(batch=4), call(1, 2, 3), call(4, 5), call(6))
    assert graph.sizes == [1, 4, 2]


def test_batches_hold_no_more_pixels_than_allowed(graph, start):
    queued(graph, start(pixels=10), call(1, pixels=6), call(2, pixels=6))
    assert graph.sizes == [1, 1, 1]


@pytest.mark.parametrize(
    "other", [{"signature": "t"}, {"width": 3}, {"rows": False}], ids=str
)
def test_unlike_calls_do_not_go_together(other, graph, start):
    queued(graph, start(), call(1), call(2, **other), call(3))
    assert graph.sizes == [1, 2, 1]


def test_a_bad_call_fails_alone(graph, start):
    calls = [call(n) for n in (1, 2, -3, 4, 5)]
    good = queued(graph, start(), *calls)
    bad = good.pop(2)
    assert good == [[2], [4], [8], [10]]
    assert isinstance(bad, status.Refused)
    assert bad.message == "negative"


def test_outputs_without_the_rows_of_the_inputs_are_asked_one_by_one(graph, start):
    def summed(signature, inputs):
        graph(signature, inputs)
        return {"y": inputs["x"].sum(keepdims=True)}

    worker = batches.Worker(summed, limits.Limits(), name="test")
    assert queued(graph, worker, call(1), call(2, 3)) == [[1], [5]]
    worker.close()


def test_full_queue_refuses(graph, start):
    worker = start(queue=2)
    graph.gate.clear()
    worker.submit(call(0))
    assert graph.entered.acquire(timeout=10)
    worker.submit(call(1))
    worker.submit(call(2))
    with pytest.raises(status.Refused, match="2 requests wait") as caught:
        worker.submit(call(3))
    assert (caught.value.code, caught.value.http) == ("RESOURCE_EXHAUSTED", 429)


def test_call_nobody_waits_for_is_not_asked(graph, start):
    [found] = queued(graph, start(), call(1, deadline=0.0))
    assert found.code == "DEADLINE_EXCEEDED"
    assert graph.sizes == [1]


def test_closing_answers_what_waits_and_takes_no_more(graph, start):
    worker = start()
    graph.gate.clear()
    worker.submit(first := call(1))
    assert graph.entered.acquire(timeout=10)
    worker.submit(second := call(2))
    closing = threading.Thread(target=worker.close)
    closing.start()
    while True:
        try:
            worker.submit(call(3))
        except batches.Closed:
            break
    graph.gate.set()
    closing.join(10)
    assert first.done.result(0)["y"].tolist() == [2]
    assert second.done.result(0)["y"].tolist() == [4]


def test_errors_of_the_server_do_not_end_the_thread(graph, start):
    def broken(signature, inputs):
        if inputs["x"][0] == 1:
            raise ZeroDivisionError("oops")
        return {"y": inputs["x"]}

    worker = batches.Worker(broken, limits.Limits(), name="test")
    worker.submit(bad := call(1))
    assert bad.done.exception(10).code == "INTERNAL"
    worker.submit(good := call(2))
    assert good.done.result(10)["y"].tolist() == [2]
    worker.close()


def test_a_batch_waits_for_others_as_long_as_it_is_told(graph, start):
    worker = start(wait=10.0, batch=2)
    worker.submit(first := call(1))
    worker.submit(second := call(2))
    assert first.done.result(5)["y"].tolist() == [2]
    assert second.done.result(5)["y"].tolist() == [4]
    assert graph.sizes == [2]
