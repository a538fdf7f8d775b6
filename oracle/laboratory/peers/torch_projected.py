"""Projected gradients in plain PyTorch, to compare speed: two-sided random projections of the adapted layers' full
weights' gradients from the layers' inputs and output gradients, kept in f16, and their plain inner products."""

import common

task, options, scratch = common.start(
    __doc__, projection=(16, "width of both sides' projections"), batch=(32, "examples in one backward pass")
)

import torch

model = task.model()
layers = [(n, m) for n, m in model.named_modules() if n.endswith(("_proj",)) and hasattr(m, "base_layer")]
k = options.projection
random = torch.Generator().manual_seed(0)
projections, inputs, rows = {}, {}, {}
for name, layer in layers:
    shape = layer.base_layer.weight.shape
    projections[name] = [torch.randn(width, k, generator=random) / k**0.5 for width in (shape[1], shape[0])]

    def forward(_module, arguments, output, name=name):
        inputs[name] = arguments[0].detach() @ projections[name][0]

        def backward(gradient, name=name):
            rows[name] = (gradient @ projections[name][1]).transpose(1, 2) @ inputs.pop(name)

        output.register_hook(backward)

    layer.register_forward_hook(forward)

# The layers' inputs must require gradients for theirs to be computed, the adapter's matrices need none.
model.requires_grad_(False)
model.enable_input_require_grads()


def gradients(examples):
    found = []
    for i in range(0, len(examples), options.batch):
        common.losses(model, *common.padded(examples[i : i + options.batch])).sum().backward()
        found.append(torch.cat([rows[name].flatten(1) for name, _ in layers], 1).half())
    return torch.cat(found)


with common.Timer() as ready:
    index = gradients(task.train)
with common.Timer() as asked:
    scores = gradients(task.query).float() @ index.float().T
settings = dict(k=k, batch=options.batch, bytes_per_example=index[0].nbytes)
common.finish(task, options, "torch projected", "torch", settings, ready.seconds, asked.seconds, scores)
