"""DataInf (Kwon et al. 2024) by dattri, on the adapter's matrices."""

import common

task, options, scratch = common.start(
    __doc__,
    regularization=(0.1, "damping of every layer, absolute"),
    checkpoints=(0, "1 averages over the logged states of the run, 0 takes its end"),
)

import dattri_common as peer
from dattri.algorithm.influence_function import IFAttributorDataInf
from dattri.task import AttributionTask

model = task.model()
train, query = peer.loaders(task, 0)
states = [peer.trained(task.model(folder)) for folder in peer.folders(task, options.checkpoints)]
attribution = AttributionTask(peer.one_loss(model), model, states, checkpoints_load_func=peer.load)
attributor = IFAttributorDataInf(attribution, regularization=options.regularization)
with common.Timer() as ready:
    attributor.cache(train)
with common.Timer() as asked:
    scores = attributor.attribute(train, query).T.detach()
settings = dict(regularization=options.regularization, checkpoints=len(states))
common.finish(task, options, "dattri datainf", "dattri", settings, ready.seconds, asked.seconds, scores)
