"""EK-FAC influence (Grosse et al. 2023) by kronfluence, on the adapter's matrices.

Ready means the fitted factors; the examples' gradients are computed while it scores."""

import common

task, options, scratch = common.start(
    __doc__, damping=(0.1, "damping as a share of the mean eigenvalue; kronfluence knows 0.1 or an absolute value")
)

import torch
from kronfluence.analyzer import Analyzer, prepare_model
from kronfluence.arguments import FactorArguments, ScoreArguments
from kronfluence.task import Task

model = task.model()
tracked = [n for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and ".lora_" in n]
width = common.longest(task.train, task.query)


class Examples(torch.utils.data.Dataset):
    def __init__(self, examples):
        self.ids, self.labels = common.padded(examples, width)
        self.mask = torch.tensor([[i < len(e["tokens"]) for i in range(width)] for e in examples]).long()

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, i):
        return dict(ids=self.ids[i], labels=self.labels[i], mask=self.mask[i])


class Losses(Task):
    def compute_train_loss(self, batch, model, sample=False):
        logits, labels = model(input_ids=batch["ids"], use_cache=False).logits, batch["labels"]
        if sample:
            with torch.no_grad():
                drawn = torch.multinomial(logits[:, :-1].softmax(-1).flatten(0, 1), 1).view(len(labels), -1)
            drawn = torch.cat([labels[:, :1], drawn], 1)
            labels = torch.where(labels == common.IGNORED, labels, drawn)
        return common.mean_losses(logits, labels).sum()

    def compute_measurement(self, batch, model):
        return self.compute_train_loss(batch, model)

    def get_influence_tracked_modules(self):
        return tracked

    def get_attention_mask(self, batch):
        return batch["mask"]


train, query = Examples(task.train), Examples(task.query)
losses = Losses()
analyzer = Analyzer("task", prepare_model(model, losses), losses, cpu=True, disable_tqdm=True, output_dir=str(scratch))
with common.Timer() as ready:
    analyzer.fit_all_factors(
        "factors",
        train,
        per_device_batch_size=32,
        factor_args=FactorArguments(strategy="ekfac"),
        overwrite_output_dir=True,
    )
# Without a number kronfluence damps by 0.1 of the mean eigenvalue.
score_args = ScoreArguments(damping_factor=None if options.damping == 0.1 else options.damping)
with common.Timer() as asked:
    analyzer.compute_pairwise_scores(
        "scores",
        "factors",
        query,
        train,
        per_device_query_batch_size=16,
        per_device_train_batch_size=64,
        score_args=score_args,
        overwrite_output_dir=True,
    )
scores = analyzer.load_pairwise_scores("scores")["all_modules"]
settings = dict(strategy="ekfac", damping=options.damping, fisher="sampled labels", train_batch=64)
common.finish(task, options, "kronfluence ekfac", "kronfluence", settings, ready.seconds, asked.seconds, scores)
