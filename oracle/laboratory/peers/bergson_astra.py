"""ASTRA (Wang et al. 2025) by bergson, on the adapter's matrices: EK-FAC's solution of each query is refined with
products of the true Gauss-Newton matrix, by momentum SGD or by conjugate gradients.

Ready means the fitted factors; every query is solved by itself, and bergson computes the examples' gradients while it
scores."""

import common

task, options, scratch = common.start(
    __doc__,
    solver=("cg", "sgd is ASTRA's own, cg conjugate gradients"),
    steps=(10, "steps for each query"),
    batch=(0, "training examples in each product; 0 for all"),
    lr=(0.01, "step size of sgd"),
    damping=(0.1, "damping as a share of the mean eigenvalue"),
)

import bergson_common as peer
from bergson.config.config import (
    AstraConfig,
    HessianConfig,
    HessianPipelineConfig,
    IndexConfig,
    InversionConfig,
    PreprocessConfig,
    QuerySetConfig,
    ScoreConfig,
)
from bergson.hessians import astra, pipeline

task.model()
train, query = peer.datasets(task, scratch)
batch = min(options.batch or len(task.train), len(task.train))
fits = []
# On a CPU, bergson's rows are a file that is mapped for reading, and its solver writes to them, which ends the process.
mapped = astra.Astra._read_row
astra.Astra._read_row = lambda *of: {name: row.clone() for name, row in mapped(*of).items()}
pipeline.approximate_hessians = common.timed(pipeline.approximate_hessians, fits)
with common.Timer() as whole:
    pipeline.hessian_pipeline(
        peer.index_config(IndexConfig, scratch / "run", train),
        HessianConfig(method="kfac", ev_correction=True),
        ScoreConfig(batch_size=64),
        PreprocessConfig(),
        HessianPipelineConfig(
            query=QuerySetConfig(dataset=query),
            inversion_cfg=InversionConfig(damping_factor=options.damping),
            astra=AstraConfig(
                num_steps=options.steps, solver=options.solver, batch_size=batch, micro_batch_size=64, lr=options.lr
            ),
        ),
    )
ready = sum(fits)
described = dict(solver=options.solver, num_steps=options.steps, batch_size=batch, damping_factor=options.damping)
if options.solver == "sgd":
    described["lr"] = options.lr
scores = peer.scores(scratch / "run/scores")
method = f"bergson astra-{options.solver}"
common.finish(task, options, method, "bergson", described, ready, whole.seconds - ready, scores)
