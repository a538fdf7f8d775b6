"""TrackStar (Chang et al. 2024) by bergson: projected gradients of the adapter's matrices, whitened by a mixture of
both sides' second moments, unit norm.

Ready means the second moments of the training examples' gradients; bergson computes the gradients themselves while it
scores, so that each set of queries costs another pass over all examples."""

import common

task, options, scratch = common.start(
    __doc__,
    projection=(16, "width of each projection"),
    mix=(1, "1 mixes in the queries' second moments; 0 whitens by the examples' alone"),
    damping=(0.1, "damping as a share of the mean eigenvalue"),
)

import bergson_common as peer
from bergson.cli import trackstar as pipeline
from bergson.config.config import (
    InversionConfig,
    PreprocessConfig,
    QuerySetConfig,
    ScoreConfig,
    TrackstarConfig,
    TrackstarIndexConfig,
)

task.model()
train, query = peer.datasets(task, scratch)
index = peer.index_config(TrackstarIndexConfig, scratch / "run", train, projection_dim=options.projection)
settings = TrackstarConfig(
    query=QuerySetConfig(dataset=query),
    preprocess_cfg=PreprocessConfig(
        unit_normalize=True, inversion_cfg=InversionConfig(damping_factor=options.damping)
    ),
    score_cfg=ScoreConfig(batch_size=64),
    stats_sample_size=None,
    mix_hessians=bool(options.mix),
)
moments = []
pipeline.approximate_hessians = common.timed(pipeline.approximate_hessians, moments)
with common.Timer() as whole:
    pipeline.trackstar(index, settings)
# The first are the training examples' moments, the second the queries'.
ready = moments[0]
described = dict(
    projection_dim=options.projection,
    unit_normalize=True,
    mix_hessians=bool(options.mix),
    damping_factor=options.damping,
    loss_reduction="mean",
)
scores = peer.scores(scratch / "run/scores")
common.finish(task, options, "bergson trackstar", "bergson", described, ready, whole.seconds - ready, scores)
