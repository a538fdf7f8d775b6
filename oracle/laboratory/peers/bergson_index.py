"""bergson's index of projected gradients of the adapter's matrices, and its scores: plain inner products.

Ready means the passes over the examples with the writing of the index, without the loading of the model."""

import common

task, options, scratch = common.start(
    __doc__,
    projection=(16, "width of each projection; 0 for whole gradients"),
    tokens=(2048, "tokens in one backward pass"),
)

import bergson.build
import bergson_common as peer
from bergson.config.config import IndexConfig, PreprocessConfig
from bergson.data import load_gradients

task.model()
folders = peer.datasets(task, scratch)
passes = []
bergson.build.collect_gradients = common.timed(bergson.build.collect_gradients, passes)


def gradients(name, dataset):
    run = scratch / name
    config = peer.index_config(IndexConfig, run, dataset, projection_dim=options.projection)
    config.token_batch_size = options.tokens
    bergson.build.build(config, PreprocessConfig())
    return load_gradients(run)


with common.Timer() as whole:
    train = gradients("train-index", folders[0])
query = gradients("query-index", folders[1])
with common.Timer() as asked:
    scores = query @ train.T
settings = dict(
    projection_dim=options.projection,
    token_batch_size=options.tokens,
    loss_reduction="mean",
    bytes_per_example=train[0].nbytes,
    seconds_with_loading=whole.seconds,
)
ready, pass_of_queries = passes
common.finish(task, options, "bergson index", "bergson", settings, ready, pass_of_queries + asked.seconds, scores)
