"""Pre-trained start, groups of layers learn stage by stage."""

from tltf.training import gradient, job
from tltf.training import network as networks

restore = gradient.restore


def run(task_job: job.Job) -> job.Outcome:
    """Trains the recipe's stages: gradual unfreezing, rates by group.

    Source:
      Deck, "Fine Tune DNN"; Howard & Ruder 2018 (arXiv:1801.06146), section 3.3.
    """
    network = networks.build(task_job.recipe, task_job.top(), words=task_job.words)
    seconds: dict[str, float] = {}
    gradient.learn(task_job, network, seconds)
    return gradient.outcome(task_job, network, seconds)
