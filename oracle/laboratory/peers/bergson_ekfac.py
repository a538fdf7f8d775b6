"""EK-FAC influence (Grosse et al. 2023) by bergson, on the adapter's matrices.

Ready means the fitted factors; bergson computes the examples' gradients while it scores, so that each set of queries
costs another pass over all examples."""

import common

task, options, scratch = common.start(__doc__, damping=(0.1, "damping as a share of the mean eigenvalue"))

import bergson_common as peer
from bergson.config.config import (
    HessianConfig,
    HessianPipelineConfig,
    IndexConfig,
    InversionConfig,
    PreprocessConfig,
    QuerySetConfig,
    ScoreConfig,
)
from bergson.hessians import pipeline

task.model()
train, query = peer.datasets(task, scratch)
fits = []
pipeline.approximate_hessians = common.timed(pipeline.approximate_hessians, fits)
with common.Timer() as whole:
    pipeline.hessian_pipeline(
        peer.index_config(IndexConfig, scratch / "run", train),
        HessianConfig(method="kfac", ev_correction=True),
        ScoreConfig(batch_size=64),
        PreprocessConfig(),
        HessianPipelineConfig(
            query=QuerySetConfig(dataset=query), inversion_cfg=InversionConfig(damping_factor=options.damping)
        ),
    )
ready = sum(fits)
described = dict(ev_correction=True, damping_factor=options.damping, fisher="sampled labels", loss_reduction="mean")
scores = peer.scores(scratch / "run/scores")
common.finish(task, options, "bergson ekfac", "bergson", described, ready, whole.seconds - ready, scores)
