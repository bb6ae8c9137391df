import threading
import time

import pytest

from sieve_assets.image_sets.ahead import NEAR, Threads, batched, done_ahead


def test_results_come_in_the_order_of_the_items():
    def slow_at_first(number):
        time.sleep(0.02 if number < 2 else 0)
        return number**2

    assert list(done_ahead(slow_at_first, range(20), n_ahead=5)) == [n**2 for n in range(20)]


def test_no_more_items_are_taken_than_asked_for():
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    results = done_ahead(lambda number: number, items(), n_ahead=7)
    assert next(results) == 0
    assert len(taken) == 8
    assert next(results) == 1
    assert len(taken) == 9
    results.close()


def test_items_done_together_count_together():
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    results = done_ahead(str, items(), n_ahead=7, threads=Threads(2, 3))
    assert next(results) == "0"
    assert len(taken) == 9
    assert list(results) == [str(number) for number in range(1, 100)]
    assert len(taken) == 100


def test_what_is_done_together_is_done_even_if_less_is_to_wait():
    assert list(done_ahead(str, range(20), n_ahead=1, threads=NEAR)) == [*map(str, range(20))]


def test_there_are_as_many_threads_as_asked_for():
    meeting = threading.Barrier(3, timeout=20)

    assert list(
        done_ahead(lambda _: meeting.wait() >= 0, range(3), n_ahead=3, threads=Threads(3, 1))
    )
    with pytest.raises(threading.BrokenBarrierError):
        list(done_ahead(lambda _: meeting.wait(0.2), range(3), n_ahead=3, threads=Threads(2, 1)))


def test_what_the_work_raises_comes_where_its_result_would_and_ends_it():
    begun = []

    def work(number):
        begun.append(number)
        if number == 3:
            raise ValueError("three")
        return number

    results = done_ahead(work, range(1000), n_ahead=4)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert len(begun) < 20


def test_the_work_is_done_beside_the_caller():
    caller, workers = threading.get_ident(), set()

    def work(_):
        workers.add(threading.get_ident())

    assert len(list(done_ahead(work, range(5), n_ahead=2))) == 5
    assert workers
    assert caller not in workers


def test_of_nothing_there_are_no_results():
    assert list(done_ahead(str, [], n_ahead=2)) == []


def test_batches_have_all_items_in_their_order():
    coming = iter(range(7))

    batches = batched(coming, 3)

    assert next(batches) == [0, 1, 2]
    assert next(coming) == 3
    assert list(batches) == [[4, 5, 6]]
    assert list(batched([], 3)) == []
