"""SOURCE (Bae et al. 2024), approximate unrolling, by bergson: the run in segments, each with the EK-FAC factors of its
logged states and AdamW's preconditioner.

Ready means the segments' factors; bergson computes the examples' gradients while it scores."""

import common

task, options, scratch = common.start(
    __doc__,
    segments=(3, "parts of the run; divides the number of logged states"),
    damping=(0.1, "damping as a share of the mean eigenvalue"),
)

import json
import shutil
import sys

import bergson_common as peer
import torch
from bergson.approx_unrolling import pipeline
from bergson.config.config import ApproxUnrollingConfig, HessianConfig, IndexConfig, InversionConfig, QuerySetConfig
from safetensors.torch import load_file

model = task.model()
parameters = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
config = task.training["config"]


def checkpoint(folder, step):
    """A logged state as bergson expects one: its name ends in the step, AdamW's second moments lie in it."""
    copy = scratch / f"states/checkpoint-{step}"
    shutil.copytree(folder, copy)
    shutil.copy("model/config.json", copy)
    flat, adapter = load_file(copy / "state.safetensors"), load_file(copy / "adapter_model.safetensors")
    values, moments = (flat[part].split([p.numel() for _, p in parameters]) for part in ("params", "v"))
    state = {}
    for i, ((name, p), value, moment) in enumerate(zip(parameters, values, moments)):
        if not torch.equal(value.view_as(p), adapter[name.replace(".default", "")]):
            sys.exit(f"{folder}/state.safetensors does not hold {name} where it is looked for")
        state[i] = dict(exp_avg_sq=moment.view_as(p).clone(), step=step, param_name=name)
    betas, group = (config["beta1"], config["beta2"]), dict(eps=config["eps"], eps_root=config["eps_root"])
    torch.save(dict(state=state, param_groups=[dict(betas=betas, params=list(state), **group)]), copy / "optimizer.pt")
    return str(copy)


checkpoints = [checkpoint(c["folder"], c["step"]) for c in task.training["checkpoints"]]
history = [dict(step=i + 1, learning_rate=rate) for i, rate in enumerate(task.training["learning_rates"])]
(scratch / "states/log_history.json").write_text(json.dumps(history))
train, query = peer.datasets(task, scratch)
factors = []
for name in (
    "precompute_checkpoint_hessians",
    "aggregate_segment_covariances",
    "precompute_checkpoint_averaged_lambdas",
    "aggregate_segment_lambdas",
    "build_segment_preconditioners",
):
    setattr(pipeline, name, common.timed(getattr(pipeline, name), factors))
with common.Timer() as whole:
    pipeline.approx_unrolling_pipeline(
        peer.index_config(IndexConfig, scratch / "run", train),
        HessianConfig(method="kfac", ev_correction=True),
        ApproxUnrollingConfig(
            checkpoints=checkpoints,
            model_path="model",
            segments=options.segments,
            use_adam_preconditioner=True,
            inversion_cfg=InversionConfig(damping_factor=options.damping),
            query=QuerySetConfig(dataset=query),
        ),
    )
ready = sum(factors)
described = dict(
    segments=options.segments,
    checkpoints=len(checkpoints),
    damping_factor=options.damping,
    use_adam_preconditioner=True,
)
scores = peer.scores(scratch / "run/scores")
common.finish(task, options, "bergson source", "bergson", described, ready, whole.seconds - ready, scores)
