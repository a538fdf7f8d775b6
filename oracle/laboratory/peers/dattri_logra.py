"""LoGra (Choe et al. 2024) by dattri: two-sided random projections of the adapted layers' full weights' gradients, with
the empirical Fisher matrix of each layer."""

import common

task, options, scratch = common.start(
    __doc__,
    projection=(16, "width of both sides' projections"),
    damping=(1.0, "absolute damping of each layer's Fisher matrix; 0 leaves the choice to dattri"),
)

from types import SimpleNamespace

import torch
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


model = task.model()
# dattri computes the layers' gradients itself, where their outputs' are computed: those of the first need this.
model.requires_grad_(False)
model.enable_input_require_grads()
model = Summed(model)
layers = [name for name, _ in model.named_modules() if name.endswith(".base_layer")]
train, query = (
    torch.utils.data.DataLoader(Examples(examples), batch_size=32, shuffle=False)
    for examples in (task.train, task.query)
)
attributor = LoGraAttributor(
    AttributionTask(lambda model, batch, _device: model(**batch).loss, model, {}, checkpoints_load_func=lambda m, _: m),
    layer_names=layers,
    hessian="eFIM",
    damping=options.damping or None,
    proj_dim=options.projection**2,
)
with common.Timer() as ready:
    attributor.cache(train)
with common.Timer() as asked:
    scores = attributor.attribute(train, query).T.detach()
settings = dict(proj_dim=options.projection**2, hessian="eFIM", damping=options.damping, layers="full weights")
common.finish(task, options, "dattri logra", "dattri", settings, ready.seconds, asked.seconds, scores)
