"""Every field of a recipe: its meaning, its range, its default. No TensorFlow."""

from typing import Any, Literal

from pydantic import Field

from tltf._spec import Report as Report
from tltf._spec import Spec


class Data(Spec):
    """Which records, and which of them for what."""

    source: str = Field(
        description="file name under tltf/sources, or folder:PATH, csv:PATH, "
        "jsonl:PATH, tfds:NAME[/CONFIG]"
    )
    train: str | None = Field(None, description="slice to learn from, train[:80%]")
    valid: str | None = Field(None, description="slice to choose on")
    test: str | None = Field(None, description="slice that only evaluate reads")
    options: dict[str, Any] = Field({}, description="arguments of the source")
    bad: Literal["skip", "stop"] = Field("skip", description="of files cut or broken")
    examples_per_class: int | None = Field(
        None, ge=1, description="learn from this many records of each class only"
    )
    leaks: Literal["stop", "drop", "allow"] = Field(
        "stop", description="what to do with equal files on two sides of a split"
    )
    conflicts: Literal["stop", "drop"] = Field(
        "stop", description="what to do with equal records of train under two labels"
    )


class Image(Spec):
    """How an image becomes the encoder's input."""

    side: int | None = Field(
        None, ge=16, le=4096, description="pixels; default is the backbone's"
    )
    fit: Literal["crop", "stretch", "pad"] = Field(
        "crop", description="centre crop, change of aspect, or grey borders"
    )
    margin: float = Field(
        0.875, gt=0, le=1, description="share of the shorter side that crop keeps"
    )
    gray: bool = Field(False, description="luminance (ITU-R 601) on all channels")


class Text(Spec):
    """How a text becomes the encoder's input."""

    length: int | None = Field(
        None, ge=1, le=100_000, description="tokens kept; default is the backbone's"
    )
    keep: Literal["start", "end"] = Field(
        "start", description="which end of a longer text is kept"
    )
    words: int = Field(
        20_000, ge=10, le=10_000_000, description="most frequent words of train known"
    )
    least: int = Field(
        1, ge=1, description="occurrences in train below which a word is unknown"
    )
    split: Literal["words", "spaces"] = Field(
        "words",
        description="tokens are the codec's words, or what stands between spaces",
    )


class Augment(Spec):
    """Random changes of training images; each is off unless given."""

    crop: float | None = Field(
        None, gt=0, le=1, description="least area of a random crop (.08 is usual)"
    )
    flip: bool = Field(False, description="mirror left and right, half the time")
    color: float = Field(
        0.0, ge=0, le=1, description="radius of brightness, contrast, saturation"
    )
    rotate: float = Field(0.0, ge=0, le=180, description="largest angle, degrees")
    randaugment: int = Field(0, ge=0, le=8, description="RandAugment operations")
    magnitude: float = Field(9.0, ge=0, le=10, description="RandAugment strength")
    mixup: float = Field(0.0, ge=0, description="alpha of mixup; 0 is off")
    cutmix: float = Field(0.0, ge=0, description="alpha of cutmix; 0 is off")
    views: int = Field(
        0,
        ge=0,
        le=64,
        description="augmented views a record cached for a frozen backbone; "
        "0 draws new ones each epoch",
    )

    @property
    def random(self) -> bool:
        """Whether anything changes single images."""
        return bool(
            self.crop or self.flip or self.color or self.rotate or self.randaugment
        )

    @property
    def mixes(self) -> bool:
        """Whether images of a batch are mixed."""
        return bool(self.mixup or self.cutmix)


class Head(Spec):
    """The new layers on the encoder, and how featurize solves them."""

    kind: str = Field("linear", description="file name under tltf/heads")
    dropout: float = Field(0.0, ge=0, lt=1, description="before the last layer")
    classifier: Literal["logistic", "svm", "ridge"] = Field(
        "logistic", description="what featurize fits on the features"
    )
    strengths: tuple[float, ...] = Field(
        (1e-2, 1e-1, 1.0, 10.0, 100.0, 1e3),
        description="values of C tried by cross-validation on train",
    )
    folds: int = Field(5, ge=2, le=20, description="of that cross-validation")


class Optimizer(Spec):
    """How gradients change weights."""

    name: Literal["sgd", "adam", "adamw", "rmsprop"] = Field("adam")
    momentum: float = Field(0.9, ge=0, lt=1, description="of sgd and rmsprop")
    nesterov: bool = Field(False, description="of sgd")
    weight_decay: float = Field(0.0, ge=0, description="decoupled, per step x rate")
    clip_norm: float | None = Field(
        None, gt=0, description="largest norm of all gradients together"
    )
    ema: float | None = Field(
        None, gt=0, lt=1, description="momentum of averaged weights; off by default"
    )


class Stage(Spec):
    """One compile and fit.

    Attributes:
      train: Groups that learn; anything else must come out bit-identical.
    """

    train: tuple[str, ...] | Literal["all"] = Field(
        ("head",), description="groups that learn, or all"
    )
    epochs: int = Field(1, ge=1, description="passes over train")
    rate: float = Field(1e-3, gt=0, description="peak rate of the topmost group")
    decay: float = Field(
        1.0, gt=0, le=1, description="factor for each group further down"
    )
    schedule: Literal["constant", "step", "cosine", "one_cycle", "slanted"] = Field(
        "constant", description="how the rate moves over the stage"
    )
    warmup: float = Field(
        0.0, ge=0, lt=1, description="share of the steps with a rising rate"
    )
    step_epochs: int = Field(10, ge=1, description="epochs between falls (step)")
    step_factor: float = Field(0.1, gt=0, lt=1, description="size of a fall (step)")


class Ulmfit(Spec):
    """How method ulmfit adapts its language model to the texts."""

    epochs: int = Field(
        1, ge=0, le=1000, description="passes over the texts; 0 leaves the model as is"
    )
    rate: float = Field(4e-3, gt=0, description="peak rate of the last layer")
    batch: int = Field(32, ge=1, le=4096, description="texts read side by side")
    dropout: float = Field(
        0.5, ge=0, le=2, description="factor for ULMFiT's shares dropped"
    )
    unlabelled: bool = Field(
        False, description="also learn from the source's texts without label"
    )
    both: bool = Field(
        False, description="a backward reader as well; probabilities are averaged"
    )
    backward_weights: str = Field(
        "auto", description="of the backward reader, as `weights`"
    )


class Part(Spec):
    """One answer of a multi-task network: its records, its task, its head."""

    name: str = Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_]*$",
        max_length=40,
        description="letters, digits and _; names the head, the scores, the signature",
    )
    task: str = Field("image_class", description="file name under tltf/tasks")
    data: Data | None = Field(None, description="default is the recipe's `data`")
    label: str | None = Field(
        None, description="label column of a csv: or jsonl: manifest, default `label`"
    )
    head: Head = Head()
    imbalance: Literal["none", "weights", "focal", "logit_adjust"] = Field(
        "none", description="remedy for rare classes, as the recipe's"
    )
    weight: float = Field(1.0, gt=0, description="of its loss under joint.loss: fixed")


class Joint(Spec):
    """How the parts of a multi-task network learn together."""

    loss: Literal["sum", "fixed", "uncertainty", "gradnorm"] = Field(
        "sum", description="how the losses of the parts become one"
    )
    rate: float = Field(1e-2, gt=0, description="of uncertainty's, gradnorm's weights")
    alpha: float = Field(1.5, ge=0, description="gradnorm's pull towards slow parts")
    mixing: Literal["proportional", "sqrt", "temperature", "round_robin"] = Field(
        "proportional", description="how often each source is drawn"
    )
    temperature: float = Field(2.0, ge=1, description="T of mixing by n ** (1 / T)")
    watch: str = Field(
        "mean", description="valid loss that keep and patience follow: a part, or mean"
    )


class Recipe(Spec):
    """One run."""

    method: str = Field(description="file name under tltf/methods")
    task: str = Field("image_class", description="file name under tltf/tasks")
    backbone: str = Field("efficientnet_lite0/full", description="file/variant")
    weights: str = Field("auto", description="auto, none, imagenet or a path")
    data: Data | None = Field(
        None, description="required, unless each of `parts` has its own"
    )
    parts: tuple[Part, ...] = Field(
        (), description="the answers of method multitask, one head each"
    )
    joint: Joint = Joint()
    image: Image = Image()
    text: Text = Text()
    augment: Augment = Augment()
    head: Head = Head()
    optimizer: Optimizer = Optimizer()
    ulmfit: Ulmfit = Ulmfit()
    stages: tuple[Stage, ...] | None = Field(
        None, min_length=1, description="default depends on the method"
    )
    batch: int = Field(32, ge=1, le=65536, description="records a step")
    smoothing: float = Field(0.0, ge=0, lt=1, description="of labels")
    imbalance: Literal["none", "weights", "focal", "logit_adjust", "oversample"] = (
        Field("none", description="remedy for rare classes")
    )
    norm: Literal["frozen", "adapt"] = Field(
        "frozen", description="BatchNormalization statistics while training"
    )
    keep: Literal["best", "last"] = Field(
        "best", description="weights kept: best valid loss, or the last epoch's"
    )
    patience: int | None = Field(
        None, ge=1, description="epochs without better valid loss before a stop"
    )
    calibrate: bool = Field(True, description="fit a temperature on valid")
    tta: int = Field(1, ge=1, le=32, description="views averaged at evaluation")
    repeats: int = Field(
        1, ge=1, le=100, description="runs with other few-shot draws and seeds"
    )
    precision: Literal["float32", "bfloat16", "float16"] = Field(
        "float32", description="of the computation; weights stay float32"
    )
    engine: str = Field(
        "auto", description="auto, or file name under tltf/engines, for features"
    )
    seed: int = Field(0, ge=0, lt=2**31)
    compare: dict[str, dict[str, Any]] = Field(
        {}, description="for `tltf compare`: method to overrides by dotted path"
    )


_HEAD = Stage(train=("head",), epochs=20, rate=1e-2)

# Used where a recipe gives no stages. Rates: lp_ft and finetune follow
# AnanyaKumar/transfer_learning (SGD .9, 1e-3, cosine, 20 epochs); the head's
# rate is the Adam default times ten, fit for one linear layer.
STAGES: dict[str, tuple[Stage, ...]] = {
    "standard": (Stage(train="all", epochs=20, rate=1e-3, schedule="cosine"),),
    "multitask": (Stage(train="all", epochs=20, rate=1e-3, schedule="cosine"),),
    "freeze": (_HEAD,),
    "lp_ft": (Stage(train="all", epochs=5, rate=1e-4, schedule="cosine", warmup=0.1),),
    # rates and falls: Howard & Ruder 2018, section 4.1
    "ulmfit": (
        Stage(train=("head",), epochs=3, rate=1e-2, schedule="slanted"),
        Stage(
            train="all",
            epochs=5,
            rate=1e-2,
            decay=round(1 / 2.6, 4),
            schedule="slanted",
        ),
    ),
    "finetune": (
        Stage(train=("head",), epochs=5, rate=1e-2),
        Stage(train="all", epochs=5, rate=1e-4, decay=0.5, schedule="cosine"),
    ),
}
