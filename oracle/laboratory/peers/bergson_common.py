"""What the drivers of bergson share."""


def datasets(task, scratch, queries=None):
    """Writes the examples as tokenized datasets (ids, labels without the prompt, lengths); returns the folders."""
    from datasets import Dataset

    from common import IGNORED

    def write(name, examples):
        def labels(e):
            return [IGNORED] * e["loss_from"] + e["tokens"][e["loss_from"] :]

        columns = dict(
            input_ids=[e["tokens"] for e in examples],
            labels=[labels(e) for e in examples],
            length=[len(e["tokens"]) for e in examples],
        )
        Dataset.from_dict(columns).save_to_disk(str(scratch / name))
        return str(scratch / name)

    return write("train", task.train), write("query", task.query[:queries])


def unlimited_batches():
    """bergson refuses batches of more tokens than the model's context, which for a context of 64 means one or two
    examples a pass; a batch is not a sequence, so the check is lifted."""
    from bergson.utils import worker_utils

    worker_utils.max_tokens_for_model = lambda *_args, **_kwargs: 1 << 20


def index_config(kind, run, dataset, **settings):
    """`kind` is IndexConfig or a relative of it. An example's loss is the mean over its labelled tokens, as ours."""
    from bergson.config.config import DataConfig, DistributedConfig

    unlimited_batches()
    return kind(
        run_path=str(run),
        model="adapter",
        tokenizer="model",
        overwrite=True,
        data=DataConfig(dataset=dataset),
        distributed=DistributedConfig(nproc_per_node=1),
        token_batch_size=2048,
        loss_reduction="mean",
        **settings,
    )


def scores(folder):
    """Queries × examples of a score folder. bergson reads every method's scores as derivatives of the query's loss by
    the example's weight, which are negative where the example helps."""
    from bergson.data import load_scores_loss_signed

    signed, _ = load_scores_loss_signed(str(folder))
    return -signed.reshape(len(signed), -1).T
