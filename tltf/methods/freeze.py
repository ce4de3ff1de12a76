"""Pre-trained encoder held still, the head learns by gradients."""

from tltf import errors
from tltf.methods import finetune
from tltf.training import gradient, job

restore = gradient.restore


def run(task_job: job.Job) -> job.Outcome:
    """Trains the head; the encoder and its statistics stay bit-identical.

    Raises:
      UserError: A stage names another group than the head.

    Source:
      `freeze_and_train` of the deck's comparison (sciblog_support).
    """
    for number, stage in enumerate(task_job.recipe.stages):
        if stage.train != ("head",):
            raise errors.UserError(
                f"stages.{number}.train: method freeze trains the head only, "
                f"got {stage.train!r}; use method: finetune"
            )
    return finetune.run(task_job)
