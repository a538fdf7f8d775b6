"""MAGIC (Ilyas & Engstrom 2025) by bergson: it trains the adapter itself and goes back through that training, once for
every query.

Its training is made to take our steps: the same initial adapter, batches in the same order, learning rates and AdamW.
Its objective is the *sum* over a batch of the examples' mean losses and ours their mean, which AdamW does not notice
where its two epsilons are scaled alike. How far its trained adapter is from ours is in the result (`same_run`); as it
is the same run, our retrainings are ground truth for its scores too. With --validate it also retrains without our
subsets and scores itself."""

import common

task, options, scratch = common.start(
    __doc__,
    queries=(0, "only the first so many queries, 0 for all: each costs another way back"),
    validate=(0, "retrainings per regime for its own validation, on the first so many of our subsets"),
)

import csv
import json
import sys

import bergson_common as peer
import torch
from bergson.cli.commands import Validate
from bergson.config.config import DataConfig, DistributedConfig, LRScheduleConfig, QuerySetConfig, ValidationConfig
from bergson.config.validation import LDSConfig
from bergson.magic import cli
from bergson.magic.config import MagicConfig
from safetensors.torch import load_file
from scipy.stats import spearmanr

task.model()
config, batches, rates = (task.training[name] for name in ("config", "batches", "learning_rates"))
size = config["batch_size"]
if any(len(batch) != size for batch in batches):
    sys.exit(
        "bergson fills up the last batch of an epoch: export a job whose examples are a multiple of the batch size"
    )
count = options.queries or len(task.query)
folders = peer.datasets(task, scratch, count)

# Our batches, one after the other, and our learning rates.
order = [position for batch in batches for position in batch]
cli.shuffled_epochs = lambda dataset, _seed, _epochs: dataset.select(order)
LRScheduleConfig.get_schedule = lambda _self, _steps: lambda step: rates[int(step)]
backward = []
cli.compute_per_query_magic_scores = common.timed(cli.compute_per_query_magic_scores, backward)

run = scratch / "run"
magic = MagicConfig(
    run_path=str(run),
    model="adapter0",
    tokenizer="model",
    overwrite=True,
    data=DataConfig(dataset=folders[0]),
    query=QuerySetConfig(dataset=folders[1]),
    distributed=DistributedConfig(nproc_per_node=1),
    batch_size=size,
    num_epochs=config["epochs"],
    adam_beta1=config["beta1"],
    adam_beta2=config["beta2"],
    adam_eps=config["eps"] * size,
    eps_root=config["eps_root"] * size**2,
    weight_decay=config["weight_decay"],
    max_grad_norm=config["clip_norm"] and config["clip_norm"] * size,
    loss_reduction="sum_of_means",
    save_models=True,
    cleanup_ckpts=False,
    wandb_project="",
)
with common.Timer() as whole:
    cli.run_magic(magic)
scores = peer.scores(run / "scores")

ours, theirs = (load_file(f"{folder}/adapter_model.safetensors") for folder in ("adapter", run / "retrained/base"))
distance = max((theirs[name] - ours[name]).abs().max().item() for name in ours)
with torch.no_grad():
    found = common.losses(task.model(str(run / "retrained/base")), *common.padded(task.query))
same_run = dict(
    largest_parameter_difference=distance,
    largest_parameter=max(t.abs().max().item() for t in ours.values()),
    largest_query_loss_difference=(found - torch.tensor(task.losses["adapter"]["query"])).abs().max().item(),
)


def validated(name, removed):
    """bergson's own LDS on our subsets, and the changes of the queries' losses that it measured."""
    manifest, folder = scratch / "subsets.json", scratch / "validation"
    manifest.write_text(json.dumps(removed))
    shared = {k: v for k, v in magic.to_dict().items() if k in ValidationConfig.__dataclass_fields__}
    check = Validate.from_dict(
        shared
        | dict(
            scores=str(run / "scores"),
            baseline_model=str(run / "retrained/base"),
            run_path=str(folder),
            save_models=False,
        )
    )
    check.method = LDSConfig(subsets="retrain", count=len(removed), manifest=str(manifest))
    check.execute()
    with open(folder / "validation.csv") as file:
        rows = list(csv.DictReader(file))
    changes, sums = ([[0.0] * len(removed) for _ in range(count)] for _ in range(2))
    for row in rows:
        # Its difference is the loss before minus the loss after.
        query, subset = int(row["query"]), int(row["subset"])
        changes[query][subset], sums[query][subset] = -float(row["diff"]), -float(row["score_sum"])
    each = [float(spearmanr(a, b).statistic) for a, b in zip(changes, sums)]
    return dict(per_query=each, mean=sum(each) / count, actual=changes)


subsets = common.read("subsets.json") if options.validate else {}
validation = {name: validated(name, removed[: options.validate]) for name, removed in subsets.items()}
settings = dict(
    loss_reduction=magic.loss_reduction,
    adam_eps=magic.adam_eps,
    eps_root=magic.eps_root,
    save_mode=magic.save_mode,
    batches="ours",
    learning_rates="ours",
)
common.finish(
    task,
    options,
    "bergson magic",
    "bergson",
    settings,
    whole.seconds - sum(backward),
    sum(backward),
    scores,
    same_run=same_run,
    validation=validation,
)
