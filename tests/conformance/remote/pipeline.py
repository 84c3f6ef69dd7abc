"""A pipeline for a remote stack: a parameter, two steps, artifacts between them."""

from zenml import pipeline, step


@step
def first(number: int) -> int:
    return 2 * number


@step
def second(value: int) -> str:
    return f"twice is {value}"


@pipeline(enable_cache=False)
def remote() -> None:
    second(first(number=7))
