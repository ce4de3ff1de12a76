"""One encoder for several tasks, learnt together on the sum of their losses."""

from tltf.training import job, joint, parts

restore = joint.restore


def run(run_: parts.Joint) -> job.Outcome:
    """Trains the recipe's stages on one encoder with a head for each part.

    From random weights (`weights: none`) the statistics of normalisation learn,
    too: held at their start they would say nothing of the data.

    Source:
      Deck, the fourth approach: "learned features need to solve many related
      tasks", one featurization network, the sum of the individual task losses;
      Caruana 1997, "Multitask Learning".
    """
    recipe = run_.recipe
    if recipe.weights == "none":
        recipe = recipe.model_copy(update={"norm": "adapt"})
    network = joint.build(run_, recipe)
    seconds: dict[str, float] = {}
    joint.learn(run_, recipe, network, seconds)
    return joint.outcome(run_, recipe, network, seconds)
