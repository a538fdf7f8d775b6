"""What the drivers of dattri share.

dattri's own EK-FAC takes only layers whose inputs are vectors (0.3.0 stops at sequences): there is no driver for it."""

import common


def loaders(task, batch):
    """Training examples and queries, padded to one width, in order."""
    from torch.utils.data import DataLoader, TensorDataset

    width = common.longest(task.train, task.query)
    return [
        DataLoader(TensorDataset(*common.padded(examples, width)), batch_size=batch or len(examples), shuffle=False)
        for examples in (task.train, task.query)
    ]


def one_loss(model):
    """f(parameters, (ids, labels)) of one example, with or without a batch dimension."""
    run = common.functional_losses(model)

    def loss(parameters, data):
        ids, labels = (part.reshape(1, -1) for part in data)
        return run(parameters, ids, labels)[0]

    return loss


def folders(task, states):
    """The adapters to average over: all logged states of the run if `states` is 1, its end if it is 0."""
    return [c["folder"] for c in task.training["checkpoints"]] if states else ["adapter"]


def trained(model):
    """The state that dattri loads: the adapter's matrices."""
    return {name: p.detach().clone() for name, p in model.named_parameters() if p.requires_grad}


def load(model, state):
    model.load_state_dict(state, strict=False)
    return model.eval()
