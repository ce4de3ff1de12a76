"""Random start, everything learns: what transfer is measured against."""

from tltf.training import gradient, job
from tltf.training import network as networks

restore = gradient.restore


def run(task_job: job.Job) -> job.Outcome:
    """Trains the whole network from random weights.

    The statistics of normalisation must learn too: held at their start they
    would say nothing of the data.
    """
    recipe = task_job.recipe.model_copy(update={"weights": "none", "norm": "adapt"})
    network = networks.build(recipe, task_job.top(), words=task_job.words)
    seconds: dict[str, float] = {}
    fresh = job.with_recipe(task_job, recipe)
    gradient.learn(fresh, network, seconds)
    return gradient.outcome(task_job, network, seconds)
