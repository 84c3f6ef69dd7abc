"""Real pipelines, run by the stock ZenML client, that fill the pages with something to show.

    python flows.py train|branches|broken|slow|hostile

Run it with the Python of an installed `zenml`, connected to the server under test.
"""

import sys
import time
from typing import Annotated, Dict, List, Tuple

from zenml import (
    ArtifactConfig,
    Model,
    get_step_context,
    log_artifact_metadata,
    log_model_metadata,
    pipeline,
    step,
)
from zenml.types import CSVString, HTMLString, MarkdownString

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"


@step
def load(rows: int = 120) -> Annotated[List[float], "samples"]:
    print(f"reading {rows} rows")
    return [float(i % 17) for i in range(rows)]


@step
def split(
    samples: List[float], share: float = 0.75
) -> Tuple[Annotated[List[float], "train_set"], Annotated[List[float], "test_set"]]:
    at = int(len(samples) * share)
    log_artifact_metadata(artifact_name="train_set", metadata={"rows": at, "share": share})
    return samples[:at], samples[at:]


@step
def fit(
    train_set: List[float],
) -> Annotated[Dict[str, float], ArtifactConfig(name="mean_model", is_model_artifact=True)]:
    mean = sum(train_set) / len(train_set)
    print(f"fitted a mean of {mean:.3f}")
    log_model_metadata({"mean": mean, "rows": len(train_set)})
    return {"mean": mean}


@step
def evaluate(
    model: Dict[str, float], test_set: List[float]
) -> Tuple[Annotated[HTMLString, "report"], Annotated[float, "error"]]:
    error = sum(abs(x - model["mean"]) for x in test_set) / len(test_set)
    bars = "".join(
        f'<rect x="{i * 12}" y="{90 - x * 5}" width="9" height="{x * 5 + 4}" fill="#4a78a8"/>'
        for i, x in enumerate(test_set)
    )
    page = (
        "<style>body{font:14px sans-serif}h1{font-size:18px}</style>"
        f"<h1>Mean absolute error {error:.3f}</h1>"
        f'<svg viewBox="0 0 {len(test_set) * 12} 100" role="img" aria-label="bars">{bars}</svg>'
        "<p id=script>no script ran</p>"
        "<script>document.getElementById('script').textContent = 'a script ran';</script>"
    )
    return HTMLString(page), error


@step
def describe(
    error: float,
) -> Tuple[Annotated[MarkdownString, "summary"], Annotated[CSVString, "table"]]:
    text = (
        "# Summary\n\nThe model is **simple** and its error is "
        f"`{error:.3f}`.\n\n- one mean\n- no variance\n\n```\nerror = {error}\n```\n"
        f"\n{HOSTILE}\n"
    )
    return MarkdownString(text), CSVString(f'name,value\nerror,{error:.4f}\n"a, b",2\n{HOSTILE},3\n')


def model(name="forecast"):
    return Model(name=name, description="A mean, honestly.", tags=["demo"], license="Apache-2.0")


@pipeline(model=model(), enable_cache=True)
def training():
    samples = load()
    train_set, test_set = split(samples)
    fitted = fit(train_set)
    _, error = evaluate(fitted, test_set)
    describe(error)


@step
def seed(n: int) -> Annotated[int, "seed"]:
    return n


@step
def double(n: int) -> Annotated[int, "doubled"]:
    return n * 2


@step
def add(a: int, b: int, c: int, d: int) -> Annotated[int, "total"]:
    return a + b + c + d


@step
def tidy() -> None:
    print("nothing left to tidy")


@pipeline(enable_cache=False)
def branches():
    start = seed(3)
    parts = [double(start, id=f"double_{i}") for i in range(4)]
    total = add(*parts)
    double(total, id="double_total")
    tidy(after=["add"])


@step
def divide(samples: List[float]) -> Annotated[float, "quotient"]:
    print("about to divide by zero")
    return sum(samples) / 0


@pipeline(enable_cache=False)
def broken():
    divide(load())


@step
def wait(seconds: int, last: int = 0) -> Annotated[int, "waited"]:
    for i in range(seconds):
        print(f"second {i + 1} of {seconds}", flush=True)
        time.sleep(1)
    return seconds


@pipeline(enable_cache=False)
def slow():
    first = wait(4, id="wait_first")
    second = wait(6, first, id="wait_second")
    wait(3, second, id="wait_third")


@step(enable_cache=False)
def hostile_step(text: str) -> Annotated[str, "hostile_output"]:
    print(text)
    log_artifact_metadata(metadata={"note": text})
    return text


@pipeline(name=HOSTILE, enable_cache=False)
def hostile():
    hostile_step(HOSTILE)


FLOWS = {
    "train": training,
    "branches": branches,
    "broken": broken,
    "slow": slow,
    "hostile": hostile,
}


def main(names):
    for name in names:
        flow = FLOWS[name]
        if name == "hostile":
            flow = flow.with_options(run_name=HOSTILE + " {time}")
        try:
            flow()
        except ZeroDivisionError:
            if name != "broken":
                raise


if __name__ == "__main__":
    main(sys.argv[1:])
