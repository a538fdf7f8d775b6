"""Influence with Kronecker-factored Hessians by bergson, on the adapter's matrices: EK-FAC (Grosse et al. 2023) and
eigenvalue-corrected Shampoo.

Ready means the fitted factors; bergson computes the examples' gradients while it scores, so that each set of queries
costs another pass over all examples."""

import common

task, options, scratch = common.start(
    __doc__,
    factors=("kfac", "how the factors are made: kfac or shampoo"),
    damping=(0.1, "damping as a share of the mean eigenvalue"),
)

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
        HessianConfig(method=options.factors, ev_correction=True),
        ScoreConfig(batch_size=64),
        PreprocessConfig(),
        HessianPipelineConfig(
            query=QuerySetConfig(dataset=query), inversion_cfg=InversionConfig(damping_factor=options.damping)
        ),
    )
ready = sum(fits)
described = dict(
    method=options.factors,
    ev_correction=True,
    damping_factor=options.damping,
    fisher="sampled labels",
    loss_reduction="mean",
)
method = "bergson ekfac" if options.factors == "kfac" else f"bergson {options.factors}"
scores = peer.scores(scratch / "run/scores")
common.finish(task, options, method, "bergson", described, ready, whole.seconds - ready, scores)
