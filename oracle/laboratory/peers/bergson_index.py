"""bergson's index of projected gradients of the adapter's matrices, and its scores: plain inner products.

Ready means the passes over the examples with the writing of the index, without the loading of the model."""

import shutil

import common

task, options, scratch = common.start(
    __doc__,
    projection=(16, "width of each projection; 0 for whole gradients"),
    tokens=(2048, "tokens in one backward pass"),
    rounds=(0, "1 builds once for every line on the standard input"),
)

import bergson.build
import bergson_common as peer
from bergson.config.config import IndexConfig, PreprocessConfig
from bergson.data import load_gradients

task.model()
folders = peer.datasets(task, scratch)
passes = []
collect = bergson.build.collect_gradients


def timed(*arguments, **more):
    with common.Timer() as timer:
        collect(*arguments, **more)
    passes.append(timer)


bergson.build.collect_gradients = timed


def gradients(name, dataset):
    run = scratch / name
    shutil.rmtree(run, ignore_errors=True)  # of the round before
    config = peer.index_config(IndexConfig, run, dataset, projection_dim=options.projection)
    config.token_batch_size = options.tokens
    bergson.build.build(config, PreprocessConfig())
    return load_gradients(run)


def one():
    """Builds both indexes and multiplies them; returns the seconds, and keeps what it made."""
    global train, scores
    with common.Timer() as whole:
        train = gradients("train-index", folders[0])
    query = gradients("query-index", folders[1])
    with common.Timer() as asked:
        scores = query @ train.T
    ready, pass_of_queries = passes[-2:]
    seconds = (pass_of_queries.seconds + asked.seconds) / len(query)
    return dict(ready=ready.seconds, ready_cpu=ready.cpu, query=seconds, with_loading=whole.seconds)


found = common.rounds(one) if options.rounds else one()
settings = dict(
    projection_dim=options.projection,
    token_batch_size=options.tokens,
    loss_reduction="mean",
    bytes_per_example=train[0].nbytes,
    seconds_with_loading=found["with_loading"],
)
common.finish(
    task, options, "bergson index", "bergson", settings, found["ready"], found["query"] * len(scores), scores
)
