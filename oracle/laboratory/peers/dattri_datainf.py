"""DataInf (Kwon et al. 2024) by dattri, on the adapter's matrices."""

import common

task, options, scratch = common.start(__doc__, regularization=(0.1, "damping of every layer, absolute"))

import dattri_common as peer
from dattri.algorithm.influence_function import IFAttributorDataInf
from dattri.task import AttributionTask

model = task.model()
train, query = peer.loaders(task, 0)
attribution = AttributionTask(peer.one_loss(model), model, peer.trained(model), checkpoints_load_func=peer.load)
attributor = IFAttributorDataInf(attribution, regularization=options.regularization)
with common.Timer() as ready:
    attributor.cache(train)
with common.Timer() as asked:
    scores = attributor.attribute(train, query).T.detach()
settings = dict(regularization=options.regularization)
common.finish(task, options, "dattri datainf", "dattri", settings, ready.seconds, asked.seconds, scores)
