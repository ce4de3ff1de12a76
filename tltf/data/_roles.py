"""Which cut each role reads where the user gives none."""

import re

from tltf import errors

VALID = ("val", "valid", "validation")
_HEAD = re.compile(r"([\w.-]+)\[:(\d+(?:\.\d+)?)%\]")
_TAIL = re.compile(r"([\w.-]+)\[(\d+(?:\.\d+)?)%:\]")


def filled(
    names: list[str], *, train: str | None, valid: str | None, test: str | None
) -> dict[str, str | None]:
    """Returns the cut of each role, by the rules of `splits.roles`.

    Args:
      names: Published splits, sorted.
      train: Cut that the user gave, or None; the same for the others.
      valid: See `train`.
      test: See `train`.

    Raises:
      UserError: Train is not given and the published splits have no `train`.
    """
    valid_name = next((name for name in VALID if name in names), None)
    test_name = "test" if "test" in names else None
    if len(names) < 2:
        return _from_one(names[0] if names else "all", train, valid, test)
    if train is None and valid is not None:
        train = _rest(valid, _TAIL, "[:{}%]")
    whole = train is not None and "[" not in train
    if test is None:
        free = valid_name if not whole and not _uses(valid, valid_name) else None
        test = test_name if test_name and not _uses(valid, test_name) else free
    if valid is None and valid_name and not _uses(test, valid_name):
        valid = valid_name
    if valid is None:
        base = _train_of(names, train)
        valid = "train[80%:]" if train is None else _rest(base, _HEAD, "[{}%:]")
    return {"train": train or _filled_train(names, valid), "valid": valid, "test": test}


def _from_one(
    base: str, train: str | None, valid: str | None, test: str | None
) -> dict[str, str | None]:
    if train is None:
        train = f"{base}[:70%]" if valid is None else _rest(valid, _TAIL, "[:{}%]")
        train = train or f"{base}[:70%]"
        if valid is None and test is None:
            return {
                "train": train,
                "valid": f"{base}[70%:85%]",
                "test": f"{base}[85%:]",
            }
    found = _HEAD.fullmatch(train)
    if not found:
        return {"train": train, "valid": valid, "test": test}
    name, low = found[1], float(found[2])
    middle = (low + 100) / 2
    if valid is None and test is None:
        valid, test = f"{name}[{low:g}%:{middle:g}%]", f"{name}[{middle:g}%:]"
    elif valid is None:
        other = _TAIL.fullmatch(test or "")
        rest = f"{name}[{low:g}%:{other[2]}%]" if other and other[1] == name else None
        valid = rest or f"{name}[{low:g}%:]"
    return {"train": train, "valid": valid, "test": test}


def _train_of(names: list[str], train: str | None) -> str:
    if train is None and "train" not in names:
        raise errors.UserError(
            f"data.train is not given and there is no split 'train' among "
            f"{', '.join(names)}; set data.train"
        )
    return train or "train"


def _filled_train(names: list[str], valid: str | None) -> str:
    _train_of(names, None)
    return "train[:80%]" if valid == "train[80%:]" else "train"


def _rest(cut: str, pattern: re.Pattern[str], form: str) -> str | None:
    found = pattern.fullmatch(cut)
    return found[1] + form.format(found[2]) if found else None


def _uses(cut: str | None, name: str | None) -> bool:
    names = {term.partition("[")[0].strip() for term in (cut or "").split("+")}
    return name in names or (name in VALID and bool(names & set(VALID)))
