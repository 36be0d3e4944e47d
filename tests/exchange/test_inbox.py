from pneumo.exchange.inbox import Inbox, Received


def received(size: int) -> Received:
    return Received(bytes(size))


def test_first_in_first_out():
    inbox = Inbox()
    for size in (1, 2, 3):
        assert inbox.offer(received(size))
    assert [len(inbox.take(0).data) for _ in range(3)] == [1, 2, 3]
    assert inbox.take(0.01) is None


def test_object_limit():
    inbox = Inbox(max_objects=2)
    assert [inbox.offer(received(1)) for _ in range(3)] == [True, True, False]
    inbox.take(0)
    assert inbox.offer(received(1))


def test_byte_limit():
    inbox = Inbox(max_bytes=100)
    assert [inbox.offer(received(size)) for size in (60, 50, 40, 1)] == [True, False, True, False]
    inbox.take(0)
    assert inbox.offer(received(60))
    assert len(inbox) == 2


def test_only_a_queued_object_can_be_withdrawn():
    inbox = Inbox(max_bytes=100)
    first, second = received(50), received(50)
    assert inbox.offer(first)
    assert inbox.offer(second)
    assert inbox.withdraw(second)
    assert not inbox.withdraw(second)
    assert inbox.offer(received(50))  # its room is free again
    assert inbox.take(0) is first
    assert not inbox.withdraw(first)


def test_objects_with_equal_bytes_are_distinct():
    inbox = Inbox()
    first, second = received(1), received(1)
    assert inbox.offer(first)
    assert not inbox.withdraw(second)


def test_a_closed_inbox_returns_objects_but_accepts_none():
    inbox = Inbox()
    queued = received(1)
    assert inbox.offer(queued)
    inbox.close()
    assert not inbox.offer(received(1))
    assert inbox.take(0) is queued


def test_repr_shows_no_part_of_the_image():
    assert "Zwetschgenbaum" not in repr(Received(b"Zwetschgenbaum"))
