"""What all drivers share: the command line, the task folder, the model in it, and the result file.

The task folder is written by `openledger_laboratory::evaluate::export`, whose documentation lists its files. A score
is positive where leaving the example out of the training should raise the query's loss.
"""

import argparse
import importlib.metadata
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

TOLERANCE = 1e-4
IGNORED = -100


def start(description, **extra):
    """Parses the command line and prepares the process; the rest of the driver runs inside the task folder.

    `extra` are further options by name: their default and what they mean. Call this before importing torch, as
    the number of threads is read when its libraries are loaded.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "task", metavar="TASK_FOLDER", type=Path, help="folder with the model, the adapter and the data"
    )
    parser.add_argument("out", metavar="OUT.json", type=Path, help="where the scores are written")
    parser.add_argument("--threads", type=int, default=1, help="threads of every library (default 1)")
    parser.add_argument("--name", help="the line's name in tables, if not the method's")
    for name, (default, help) in extra.items():
        parser.add_argument(f"--{name}", type=type(default), default=default, help=f"{help} (default {default})")
    options = parser.parse_args()
    if not (options.task / "training.json").is_file():
        sys.exit(
            f"{options.task} is not a task folder: it has no training.json; write one with `lds folder=DIR`"
        )
    options.out = options.out.absolute()
    # Datasets and runs of the libraries go here, so that none finds what another run has cached.
    options.scratch = tempfile.TemporaryDirectory(prefix="peers-")
    scratch = Path(options.scratch.name)
    environment(options.threads, scratch)
    # Adapters name the folder `model` as their base.
    os.chdir(options.task)
    import torch

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    return Task(), options, scratch


def environment(threads, scratch):
    """What the libraries read when they are loaded."""
    for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR", "RAYON"):
        os.environ[f"{name}_NUM_THREADS"] = str(threads)
    os.environ |= dict(
        HF_HUB_OFFLINE="1",
        TRANSFORMERS_OFFLINE="1",
        HF_DATASETS_OFFLINE="1",
        HF_HOME=str(scratch / "hf"),
        TOKENIZERS_PARALLELISM="false",
        CUDA_VISIBLE_DEVICES="",
        WANDB_MODE="disabled",
        TORCHDYNAMO_DISABLE="1",
    )


def lines(name):
    with open(name) as file:
        return [json.loads(line) for line in file]


def read(name):
    with open(name) as file:
        return json.load(file)


class Task:
    """The files of the working directory."""

    def __init__(self):
        self.train, self.query = lines("train.jsonl"), lines("query.jsonl")
        self.training, self.losses = read("training.json"), read("losses.json")

    def model(self, adapter="adapter"):
        """The adapted model in f32, of which only the adapter's matrices require gradients; its losses are ours."""
        import torch
        from peft import PeftModel
        from transformers import AutoModelForCausalLM

        base = AutoModelForCausalLM.from_pretrained("model", dtype=torch.float32, attn_implementation="eager")
        model = PeftModel.from_pretrained(base, adapter, is_trainable=True).eval()
        if adapter == "adapter":
            self.check(model)
            self.loaded_rss = peak_rss()
        return model

    def check(self, model):
        """Stops where the model's losses differ from those that we exported."""
        import torch

        for name, examples in (("train", self.train), ("query", self.query)):
            with torch.no_grad():
                found = torch.cat([losses(model, *padded(examples[i : i + 64])) for i in range(0, len(examples), 64)])
            worst = (found - torch.tensor(self.losses["adapter"][name])).abs().max().item()
            if not worst < TOLERANCE:
                sys.exit(
                    f"losses of {name} examples differ from the exported ones by up to {worst}: not the same model"
                )


def padded(examples, width=None):
    """Token ids and labels, padded on the right to the longest or to `width`. No mask is needed for attention: it is
    causal, and nothing after an example's end counts."""
    import torch

    width = width or max(len(e["tokens"]) for e in examples)
    ids = torch.zeros(len(examples), width, dtype=torch.long)
    labels = torch.full_like(ids, IGNORED)
    for row, example in enumerate(examples):
        tokens = torch.tensor(example["tokens"])
        ids[row, : len(tokens)] = tokens
        labels[row, example["loss_from"] : len(tokens)] = tokens[example["loss_from"] :]
    return ids, labels


def longest(*lists):
    return max(len(e["tokens"]) for examples in lists for e in examples)


def mean_losses(logits, labels):
    """Mean negative log-likelihood of each example's labelled tokens."""
    import torch

    logits, labels = logits[:, :-1], labels[:, 1:]
    counts = labels != IGNORED
    chosen = logits.log_softmax(-1).gather(-1, labels.clamp_min(0).unsqueeze(-1)).squeeze(-1)
    return -torch.where(counts, chosen, 0.0).sum(1) / counts.sum(1)


def losses(model, ids, labels):
    return mean_losses(model(input_ids=ids, use_cache=False).logits, labels)


def functional_losses(model):
    """f(parameters, ids, labels) for torch.func: the mask is given, as making one depends on data."""
    import torch

    def run(parameters, ids, labels):
        width = ids.shape[-1]
        mask = torch.full((1, 1, width, width), torch.finfo(torch.float32).min).triu(1)
        position = torch.arange(width).unsqueeze(0)
        arguments = dict(input_ids=ids, attention_mask=mask, position_ids=position, use_cache=False)
        return mean_losses(torch.func.functional_call(model, parameters, args=(), kwargs=arguments).logits, labels)

    return run


def peak_rss():
    """Bytes of memory that the process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Timer:
    """Seconds between its two ends: on the wall, and of all threads together."""

    def __enter__(self):
        self.begin, self.cpu_begin = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self.begin
        self.cpu = time.process_time() - self.cpu_begin


def rounds(one):
    """Calls `one` for every line on the standard input, and answers each with a line: what it returned, as JSON. So
    several processes can take turns without being started again. Returns the last result."""
    found = None
    for _ in sys.stdin:
        found = one()
        print(json.dumps(found), flush=True)
    return found if found is not None else one()


def timed(function, into):
    """`function`, whose every call's seconds are appended to the list `into`."""

    def wrapper(*args, **kwargs):
        with Timer() as timer:
            result = function(*args, **kwargs)
        into.append(timer.seconds)
        return result

    return wrapper


def finish(task, options, method, package, settings, ready, asked, scores, **more):
    """Writes the result. `ready` is how many seconds the method took before it could be asked, `asked` how many all
    queries took then; `scores` are queries × examples. `loaded_rss_bytes` is the most that the process had held when
    the model was loaded and the method had not begun."""
    import torch

    scores = torch.as_tensor(scores, dtype=torch.float64)
    if not torch.isfinite(scores).all():
        sys.exit(f"{method}: {int((~torch.isfinite(scores)).sum())} scores are not finite")
    result = dict(
        name=options.name or method,
        method=method,
        version=importlib.metadata.version(package),
        settings=settings,
        threads=options.threads,
        seconds=dict(ready=ready, query=asked / len(scores)),
        peak_rss_bytes=peak_rss(),
        loaded_rss_bytes=task.loaded_rss,
        scores=scores.tolist(),
        **more,
    )
    options.out.write_text(json.dumps(result))
    print(
        f"{method}: ready in {ready:.2f} s, {asked / len(scores):.3f} s a query, {len(scores)} queries", file=sys.stderr
    )
