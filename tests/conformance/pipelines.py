"""Pipelines for the stock client, as somebody new to it would write them."""

from typing import Annotated, Tuple

from zenml import (ArtifactConfig, Model, get_step_context, log_artifact_metadata,
                   log_model_metadata, log_step_metadata, pipeline, step)
from zenml.types import HTMLString


@step
def load(size: int) -> Annotated[list, "numbers"]:
    """Make some numbers."""
    return list(range(size))


@step
def train(numbers: list) -> Tuple[Annotated[float, "mean"], Annotated[dict, "summary"]]:
    """Sum them up."""
    log_step_metadata(metadata={"count": len(numbers), "note": "fine"})
    return sum(numbers) / len(numbers), {"first": numbers[0], "last": numbers[-1]}


@step(enable_cache=False)
def report(mean: float, summary: dict) -> Annotated[
        HTMLString, ArtifactConfig(name="report", tags=["page", "html"])]:
    """Write a page."""
    log_artifact_metadata(metadata={"accuracy": mean, "labels": ["a", "b"], "nested": {"x": 1}})
    return HTMLString(f"<p>mean {mean} of {summary}</p>")


@pipeline(extra={"team": "blue"})
def three_steps(size: int = 4) -> None:
    report(*train(load(size)))


@step
def fail(numbers: list) -> int:
    """Cannot be done."""
    raise ValueError(f"no use for {len(numbers)} numbers")


@pipeline(enable_cache=False)
def failing() -> None:
    fail(load(2))


@step
def part(index: int) -> Annotated[int, "piece"]:
    return index * index


@step
def gather(run_step_prefix: str) -> Annotated[
        int, ArtifactConfig(name="weights", is_model_artifact=True, tags=["weights"])]:
    """Sum up what the parts made."""
    run = get_step_context().pipeline_run
    total = sum(info.outputs["piece"].load() for name, info in run.steps.items()
                if name.startswith(run_step_prefix))
    log_model_metadata({"total": total})
    log_artifact_metadata(metadata={"total": total})
    return total


@pipeline(enable_cache=False, model=Model(name="squares", description="Sums of squares.",
                                          license="Apache-2.0", tags=["sums"]))
def fan_out(width: int = 3) -> None:
    after = []
    for index in range(width):
        part(index, id=f"part_{index}")
        after.append(f"part_{index}")
    gather("part_", after=after)


@step
def tick(value: int) -> int:
    return value + 1


@pipeline(enable_cache=False)
def chain(length: int = 20) -> None:
    """One step after the other."""
    value = tick(0)
    for _ in range(length - 1):
        value = tick(value)
