"""TRAK (Park et al. 2023) by dattri, on the adapter's matrices; averaged over the logged states as its authors
advise; --checkpoints 0 takes the end of the run alone."""

import common

task, options, scratch = common.start(
    __doc__,
    projection=(512, "width of the projection"),
    regularization=(0.01, "added to the diagonal of the projected gradients' products"),
    checkpoints=(1, "1 averages over the logged states of the run, 0 takes its end"),
)

import dattri_common as peer
import torch
from dattri.algorithm.trak import TRAKAttributor
from dattri.task import AttributionTask

model = task.model()
states = [peer.trained(task.model(folder)) for folder in peer.folders(task, options.checkpoints)]
one_loss = peer.one_loss(model)


def log_odds(parameters, data):
    loss = one_loss(parameters, data)
    return -loss - torch.log1p(-torch.exp(-loss))


def probability(parameters, data):
    return torch.exp(-one_loss(parameters, data))


train, query = peer.loaders(task, 32)
attributor = TRAKAttributor(
    AttributionTask(log_odds, model, states, checkpoints_load_func=peer.load),
    probability,
    projector_kwargs=dict(proj_dim=options.projection, device="cpu"),
    regularization=options.regularization,
)
with torch.no_grad(), common.Timer() as ready:
    attributor.cache(train)
with torch.no_grad(), common.Timer() as asked:
    scores = attributor.attribute(query).T
name = f"dattri trak-{len(states)}"
settings = dict(proj_dim=options.projection, regularization=options.regularization, checkpoints=len(states))
common.finish(task, options, name, "dattri", settings, ready.seconds, asked.seconds, scores)
