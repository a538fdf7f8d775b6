"""Projected gradients in plain PyTorch, to compare speed: of the adapter's matrices, whose wide sides are projected, or
of the adapted layers' full weights, projected on both sides. They are made of the layers' inputs and output gradients,
kept in f16, and queried with plain inner products."""

import common

task, options, scratch = common.start(
    __doc__,
    kind=("random", "adapter: the gradients of the adapter's matrices; random: of the full weights"),
    projection=(16, "width of each projection"),
    batch=(32, "examples in one backward pass"),
    attention=("eager", "PyTorch's attention: eager or sdpa"),
    rounds=(0, "1 builds once for every line on the standard input"),
    rows=("", "also times a query's product with indexes of so many rows, separated by commas"),
)

import statistics

import torch

model = task.model()
model.set_attn_implementation(options.attention)
layers = [(n, m) for n, m in model.named_modules() if n.endswith(("_proj",)) and hasattr(m, "base_layer")]
k = options.projection
random = torch.Generator().manual_seed(0)
inputs, rows = {}, {}


def outer(left, right):
    """Σ_t left_t right_tᵀ of each example, as one row."""
    return (left.transpose(1, 2) @ right).flatten(1)


def watch(name, layer):
    """Has every backward pass leave the layer's projected gradients in `rows`."""
    shape = layer.base_layer.weight.shape
    p_in, p_out = (torch.randn(width, k, generator=random) / k**0.5 for width in (shape[1], shape[0]))
    scale = layer.scaling["default"]
    a, b = ((scale * m["default"].weight.detach()) for m in (layer.lora_A, layer.lora_B))
    if options.kind == "adapter":
        # One product for both: the projection, and the adapter's other matrix.
        p_in, p_out = torch.cat([p_in, a.T], 1), torch.cat([p_out, b], 1)

    def forward(_module, arguments, output):
        inputs[name] = arguments[0].detach() @ p_in

        def backward(gradient):
            x, dy = inputs.pop(name), gradient @ p_out
            if options.kind == "adapter":
                rows[name] = torch.cat([outer(dy[..., k:], x[..., :k]), outer(dy[..., :k], x[..., k:])], 1)
            else:
                rows[name] = outer(dy, x)

        output.register_hook(backward)

    layer.register_forward_hook(forward)


for name, layer in layers:
    watch(name, layer)

# The layers' inputs must require gradients for theirs to be computed, the adapter's matrices need none.
model.requires_grad_(False)
model.enable_input_require_grads()


def gradients(examples):
    # Examples of like length share a pass, so that little is padded.
    order = sorted(range(len(examples)), key=lambda i: len(examples[i]["tokens"]))
    found = None
    for i in range(0, len(examples), options.batch):
        chosen = order[i : i + options.batch]
        common.losses(model, *common.padded([examples[j] for j in chosen])).sum().backward()
        made = torch.cat([rows[name] for name, _ in layers], 1).half()
        found = torch.empty(len(examples), made.shape[1], dtype=torch.half) if found is None else found
        found[chosen] = made
    return found


def one():
    """Builds the index and asks; returns the seconds of both, and keeps what it made."""
    global index, scores
    with common.Timer() as ready:
        index = gradients(task.train)
    with common.Timer() as asked:
        scores = gradients(task.query).float() @ index.float().T
    return dict(ready=ready.seconds, ready_cpu=ready.cpu, query=asked.seconds / len(task.query))


found = common.rounds(one) if options.rounds else one()


def product(count):
    """Milliseconds of one query's product with an index of `count` rows in f32, median of 9."""
    many = index.float()[torch.arange(count) % len(index)]
    query, times = gradients(task.query[:1]).float()[0], []
    for _ in range(9):
        with common.Timer() as timer:
            many @ query
        times.append(timer.seconds * 1e3)
    return dict(rows=count, milliseconds=statistics.median(times))


products = [product(int(count)) for count in options.rows.split(",") if count]
settings = dict(
    kind=options.kind,
    k=k,
    batch=options.batch,
    attention=options.attention,
    bytes_per_example=index[0].nbytes,
    products=products,
)
common.finish(task, options, "torch projected", "torch", settings, found["ready"], found["query"] * len(scores), scores)
