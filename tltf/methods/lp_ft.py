"""A solved head first, then everything learns: linear probing, then fine-tuning."""

from tltf.methods import featurize
from tltf.training import gradient, job
from tltf.training import network as networks

restore = gradient.restore
SOLVES = True  # classes, by a linear solver


def run(task_job: job.Job) -> job.Outcome:
    """Solves the head on frozen features, then trains the recipe's stages.

    Source:
      Kumar et al. 2022 (arXiv:2202.10054): a random head would distort the
      features in its first steps, a solved one does not.
    """
    network = networks.build(
        task_job.recipe, task_job.top(unit=True), words=task_job.words
    )
    seconds: dict[str, float] = {}
    solved = featurize.head(task_job, network, seconds)
    networks.graft(network, solved.weight, solved.bias)
    gradient.learn(task_job, network, seconds)
    return gradient.outcome(task_job, network, seconds, solved.chosen)
