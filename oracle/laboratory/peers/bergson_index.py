"""bergson's index of projected gradients of the adapter's matrices, and its scores: plain inner products."""

import common

task, options, scratch = common.start(__doc__, projection=(16, "width of each projection"))

import bergson_common as peer
from bergson.build import build
from bergson.config.config import IndexConfig, PreprocessConfig
from bergson.data import load_gradients

task.model()
folders = peer.datasets(task, scratch)


def gradients(name, dataset):
    run = scratch / name
    build(peer.index_config(IndexConfig, run, dataset, projection_dim=options.projection), PreprocessConfig())
    return load_gradients(run)


with common.Timer() as ready:
    train = gradients("train-index", folders[0])
with common.Timer() as asked:
    scores = gradients("query-index", folders[1]) @ train.T
settings = dict(projection_dim=options.projection, loss_reduction="mean", bytes_per_example=train[0].nbytes)
common.finish(task, options, "bergson index", "bergson", settings, ready.seconds, asked.seconds, scores)
