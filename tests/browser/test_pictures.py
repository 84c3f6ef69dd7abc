"""The pictures of the README, which `make screens` copies to docs/pictures."""

from __future__ import annotations

from test_compare import trials  # noqa: F401


def test_pictures(request, browser, client, trials):  # noqa: F811
    if not client.items("/runs", pipeline_name="broken"):
        stock = request.getfixturevalue("stock")
        stock.end(stock.flows("branches", "train", "broken", "train"))
    run = client.items("/runs", pipeline_name="training", size=1, sort_by="asc:created")[0]["id"]
    step = next(s for s in client.items(f"/runs/{run}/steps") if s["name"] == "fit")
    for name, address, text in (
            ("picture-overview", "/", "Latest runs"),
            ("picture-run", f"/runs/{run}?step={step['id']}", "fitted a mean"),
            ("picture-compare", "/compare?ids=" + ",".join(run["id"] for run in trials["runs"]), "Changed code")):
        browser.open(address)
        browser.until_text(text)
        browser.until_text("Signed in as")
        browser.shot(name)
    browser.clean()
