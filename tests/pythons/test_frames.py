"""Frames of blocked threads: function, file and line as sys._current_frames() of the target has them."""


def test_every_wait_and_every_kind_of_frame(start):
    target = start("threads")
    assert len(target.told["threads"]) > 50
    target.check_frames(target.read())
