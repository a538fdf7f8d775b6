"""LoGra (Choe et al. 2024) by dattri: two-sided random projections of the adapted layers' full weights' gradients, with
the empirical Fisher matrix of each layer."""

import common

task, options, scratch = common.start(
    __doc__,
    projection=(16, "width of both sides' projections"),
    damping=(1.0, "absolute damping of each layer's Fisher matrix; 0 leaves the choice to dattri"),
    checkpoints=(0, "1 averages the scores over the logged states of the run, 0 takes its end"),
)

from types import SimpleNamespace

import torch
import dattri_common as peer
from dattri.algorithm.logra import LoGraAttributor
from dattri.task import AttributionTask


class Summed(torch.nn.Module):
    """dattri asks a model for its loss: the sum of the batch's, whose gradient holds each example's own."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, ids, labels):
        return SimpleNamespace(loss=common.losses(self.model, ids, labels).sum())


class Examples(torch.utils.data.Dataset):
    def __init__(self, examples):
        self.ids, self.labels = common.padded(examples, common.longest(task.train, task.query))

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, i):
        return dict(ids=self.ids[i], labels=self.labels[i])


train, query = (
    torch.utils.data.DataLoader(Examples(examples), batch_size=32, shuffle=False)
    for examples in (task.train, task.query)
)


def attribute(model):
    """Scores at one state, and the seconds of both parts."""
    # dattri computes the layers' gradients itself, where their outputs' are computed: those of the first need this.
    model.requires_grad_(False)
    model.enable_input_require_grads()
    model = Summed(model)
    attributor = LoGraAttributor(
        AttributionTask(
            lambda model, batch, _device: model(**batch).loss, model, {}, checkpoints_load_func=lambda m, _: m
        ),
        layer_names=[name for name, _ in model.named_modules() if name.endswith(".base_layer")],
        hessian="eFIM",
        damping=options.damping or None,
        proj_dim=options.projection**2,
    )
    with common.Timer() as ready:
        attributor.cache(train)
    with common.Timer() as asked:
        scores = attributor.attribute(train, query).T.detach()
    return scores, ready.seconds, asked.seconds


task.model()
folders = peer.folders(task, options.checkpoints)
# dattri's own ensembles take no layers' inputs, so the states are averaged here.
scores, ready, asked = zip(*[attribute(task.model(folder)) for folder in folders])
settings = dict(
    proj_dim=options.projection**2,
    hessian="eFIM",
    damping=options.damping,
    layers="full weights",
    checkpoints=len(folders),
)
scores = torch.stack(scores).mean(0)
common.finish(task, options, "dattri logra", "dattri", settings, sum(ready), sum(asked), scores)
