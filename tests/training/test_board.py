"""Logs that TensorBoard reads."""

import tensorflow as tf
from tensorboard.backend.event_processing import event_accumulator

from tltf.training import board


def test_rows_are_read_back_by_tensorboard(tmp_path):
    write = board.writer(tmp_path)
    for epoch in (1, 2):
        row = {"stage": 1, "epoch": epoch, "loss": 1 / epoch, "valid_loss": 2 / epoch}
        write(row, epoch)
    for role, values in (("train", [1.0, 0.5]), ("validation", [2.0, 1.0])):
        found = event_accumulator.EventAccumulator(
            str(tmp_path / role), size_guidance={"tensors": 0}
        )
        found.Reload()
        events = found.Tensors("epoch_loss")
        assert [e.step for e in events] == [1, 2]
        given = [float(tf.make_ndarray(e.tensor_proto)) for e in events]
        assert given == values
